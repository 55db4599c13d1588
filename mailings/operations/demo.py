"""Demo data from `fixtures/`, with dates relative to now. Run again, it adds only what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from mailings.models import Attempt, Client, ClientList, Delivery, HourlyCounter, Mailing, Message, Reason, Run
from mailings.operations.import_clients import import_file
from mailings.operations.launch import snapshot

FOLDER = settings.BASE_DIR / "fixtures"
PASSWORD = "postroom-demo-2026"  # noqa: S105  printed for everybody by `make demo`; the command refuses elsewhere
# Every so many deliveries of the history one is refused, with this answer.
REFUSED_EVERY = 11
REFUSAL = "550 5.1.1 <{address}>: Recipient address rejected: User unknown"


def read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


@transaction.atomic
def add_demo_data() -> None:
    people = {entry["email"]: add_person(entry) for entry in read("people.json")}
    for entry in read("lists.json"):
        add_list(people[entry["owner"]], entry)
    messages = [add_message(people[entry.pop("owner")], entry) for entry in read("messages.json")]
    for entry in read("mailings.json"):
        add_mailing(people[entry["owner"]], entry, messages[entry["message"]], people)


def add_person(entry: dict[str, str]) -> User:
    user, is_new = User.objects.get_or_create(
        email=entry["email"],
        defaults={"full_name": entry["full_name"], "is_superuser": entry["role"] == "superuser"},
    )
    if is_new:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
        user.groups.set(Group.objects.filter(name=entry["role"]))
    return user


def add_list(owner: User, entry: dict[str, str]) -> None:
    if ClientList.objects.owned_by(owner).filter(name=entry["name"]).exists():
        return
    import_file(FOLDER / entry["file"], owner, list_name=entry["name"])
    ClientList.objects.owned_by(owner).filter(name=entry["name"]).update(description=entry["description"])


def add_message(owner: User, entry: dict[str, str]) -> Message:
    message, _is_new = Message.objects.get_or_create(owner=owner, subject=entry["subject"], defaults=entry)
    return message


def add_mailing(owner: User, entry: dict[str, Any], message: Message, people: dict[str, User]) -> None:
    if Mailing.objects.owned_by(owner).filter(title=entry["title"]).exists():
        return
    first = timezone.now().replace(second=0, microsecond=0) + timedelta(**entry["starts"])
    mailing = Mailing.objects.create(
        owner=owner,
        title=entry["title"],
        message=message,
        first_send_at=first,
        finish_send_at=first + timedelta(**entry["lasts"]),
        rhythm=entry.get("rhythm", "once"),
        **state_fields(entry["state"], first, people),
    )
    mailing.lists.set(ClientList.objects.owned_by(owner).filter(name=entry["list"]))
    if mailing.status == Mailing.Status.COMPLETED:
        add_history(mailing, first + timedelta(hours=1))


def state_fields(state: str, first: datetime, people: dict[str, User]) -> dict[str, Any]:
    """List the fields that a mailing in this state has, so that the demo holds no impossible row."""
    more: dict[str, dict[str, Any]] = {
        "scheduled": {"next_send_at": first},
        "paused": {"next_send_at": first, "pause_reason": Mailing.PauseReason.BY_HAND},
        "switched_off": {
            "switched_off_at": timezone.now(),
            "switched_off_by": people["manager@example.com"],
            "switched_off_reason": "Неверный прайс-лист",
        },
    }
    return {"status": state, **more.get(state, {})}


def add_history(mailing: Mailing, at: datetime) -> None:
    """Write a run of the past with its ledger, so that the pages have something to show."""
    clients = list(Client.objects.filter(lists__mailings=mailing).order_by("pk"))
    refused = len(clients[::REFUSED_EVERY])
    run = Run.objects.create(
        owner=mailing.owner,
        mailing=mailing,
        trigger=Run.Trigger.SCHEDULED,
        scheduled_for=mailing.first_send_at,
        snapshot=snapshot(mailing.message),
        total=len(clients),
        accepted=len(clients) - refused,
        refused=refused,
        started_at=at,
        finished_at=at + timedelta(minutes=1),
    )
    deliveries = Delivery.objects.bulk_create(past_deliveries(run, clients))
    Attempt.objects.bulk_create(past_attempt(run, delivery, at) for delivery in deliveries)
    HourlyCounter.objects.create(
        owner=mailing.owner,
        mailing=mailing,
        hour=at.replace(minute=0),
        accepted=run.accepted,
        refused=run.refused,
    )


def past_deliveries(run: Run, clients: list[Client]) -> Iterator[Delivery]:
    for number, client in enumerate(clients):
        is_refused = number % REFUSED_EVERY == 0
        yield Delivery(
            owner_id=run.owner_id,
            run=run,
            client=client,
            address=client.email,
            state=Delivery.State.REFUSED if is_refused else Delivery.State.ACCEPTED,
            reason=Reason.NO_SUCH_ADDRESS if is_refused else Reason.ACCEPTED,
            tries=1,
        )


def past_attempt(run: Run, delivery: Delivery, at: datetime) -> Attempt:
    is_refused = delivery.state == Delivery.State.REFUSED
    return Attempt(
        owner_id=run.owner_id,
        run=run,
        delivery=delivery,
        made_at=at,
        outcome=delivery.state,
        reason=delivery.reason,
        stage="rcpt" if is_refused else "dot",
        code=550 if is_refused else 250,
        enhanced_code="5.1.1" if is_refused else "2.0.0",
        answer=REFUSAL.format(address=delivery.address) if is_refused else "250 2.0.0 Ok: queued",
    )
