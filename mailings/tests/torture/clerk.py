"""Django's side of the torture, in a process of its own that is never killed: makes mailings, does what people and the
minute's task do, lets time pass, and reads the ledger.

`python -m mailings.tests.torture.clerk`, with the environment of the product; JSON lines in, JSON lines out.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import django
from django.core.management import call_command
from django.db import close_old_connections, connection, transaction
from django.db.models import Count, Sum
from django.utils import timezone

TEXT = (
    "Hello {{ full_name | friend }},\n\n" + "The shop has moved to the other side of the street, come and see.\n" * 15
)
HTML = "<h1>Hello {{ full_name | friend }}</h1>" + "<p style='margin:0'>The shop has moved, come and see us.</p>\n" * 30
STATES = ("accepted", "refused", "deferred", "unknown", "suppressed", "cancelled")
# A worker that is alive renews its lease every tenth part of it; see `Clerk.do_let_time_pass`.
RENEWED, SLACK = 0.1, timedelta(seconds=1)


class Clerk:
    # --- Making

    def do_prepare(self) -> None:
        from accounts.models import User  # noqa: PLC0415  Django has to be ready

        call_command("migrate", verbosity=0)
        User.objects.create_superuser("boss@staff.example")

    def do_make(self, count: int, word: str) -> int:
        """Make an owner with a list of so many clients, `word` in each address, and return the list's id."""
        from accounts.models import User  # noqa: PLC0415
        from mailings.models import Client, ClientList  # noqa: PLC0415

        owner = User.objects.create_user(f"{word}@staff.example", language="en", time_zone="Europe/Berlin")
        made = ClientList.objects.create(owner=owner, name=word)
        clients = Client.objects.bulk_create(
            Client(owner=owner, email=f"{word}.{n}@shop.example", full_name=f"Client {n}") for n in range(count)
        )
        through = ClientList.clients.through
        through.objects.bulk_create(through(clientlist_id=made.pk, client_id=client.pk) for client in clients)
        return made.pk

    def do_mailing(self, list_id: int, times: int = 1, rhythm: str = "once", **window: Any) -> int:
        """Make a mailing to everybody in the list; its window is open unless seconds from now or times say otherwise.

        :param times: how often its text is repeated.
        """
        from mailings.models import ClientList, Mailing, Message  # noqa: PLC0415

        people = ClientList.objects.select_related("owner").get(pk=list_id)
        now = timezone.now()
        first, until = window.get("first"), window.get("until")
        message = Message.objects.create(owner=people.owner, subject="News", text=TEXT * times, html=HTML)
        mailing = Mailing.objects.create(
            owner=people.owner,
            title=people.name,
            message=message,
            rhythm=rhythm,
            first_send_at=datetime.fromisoformat(first)
            if first
            else now + timedelta(seconds=window.get("begins", -60)),
            finish_send_at=datetime.fromisoformat(until) if until else now + timedelta(days=1),
        )
        mailing.lists.add(people)
        return mailing.pk

    # --- What people do

    def do_launch(self, mailing: int, wakes: int = 1) -> None:
        from mailings import operations, tasks  # noqa: PLC0415

        run = operations.launch(mailing, self.mailing(mailing).owner)
        if run:
            tasks.wake(*[run.pk] * wakes)

    def do_launch_in_parallel(self, mailing: int, times: int) -> int:
        """Launch so many times at once, by hand and by the minute's task in turn; return how many were told no."""
        from mailings import operations  # noqa: PLC0415

        owner = self.mailing(mailing).owner
        refused: list[str] = []

        def by_hand() -> None:
            try:
                operations.launch(mailing, owner)
            except operations.NotPossible as error:
                refused.append(str(error))

        at_once([by_hand, lambda: operations.tick(timezone.now())] * times)
        return len(refused)

    def do_tick_in_parallel(self, times: int) -> None:
        from mailings import operations  # noqa: PLC0415

        at_once([lambda: operations.tick(timezone.now())] * times)

    def do_pause(self, mailing: int) -> None:
        from mailings import operations  # noqa: PLC0415

        operations.pause(mailing)

    def do_resume(self, mailing: int) -> None:
        from mailings import operations, tasks  # noqa: PLC0415

        tasks.wake(*operations.resume(mailing))

    def do_switch_off(self, mailing: int, slowly: float = 0.0) -> None:
        """Switch it off; `slowly` seconds lie between the lock of its row and the rest of the work."""
        from mailings import operations  # noqa: PLC0415
        from mailings.operations.control import locked  # noqa: PLC0415

        with transaction.atomic():
            locked(mailing)
            time.sleep(slowly)
            operations.switch_off(mailing, self.mailing(mailing).owner, "torture")

    def do_block(self, mailing: int) -> None:
        from accounts.blocking import block  # noqa: PLC0415
        from accounts.models import User  # noqa: PLC0415

        block(self.mailing(mailing).owner_id, by=User.objects.get(email="boss@staff.example"), reason="torture")

    def do_unblock(self, mailing: int) -> None:
        from accounts.blocking import unblock  # noqa: PLC0415
        from accounts.models import User  # noqa: PLC0415

        unblock(self.mailing(mailing).owner_id, by=User.objects.get(email="boss@staff.example"))

    def do_send_again(self, mailing: int) -> int:
        from mailings import operations, tasks  # noqa: PLC0415

        count = operations.retry(mailing, ["unknown"])
        tasks.wake(self.mailing(mailing).runs.get().pk)
        return count

    def do_leave(self, mailing: int, numbers: list[int]) -> None:
        """Let these recipients unsubscribe by the link of this very mailing."""
        from mailings import operations  # noqa: PLC0415

        for delivery in self.numbered(mailing, numbers):
            operations.unsubscribe(delivery)

    def do_delete(self, mailing: int, numbers: list[int]) -> None:
        from mailings.models import Client  # noqa: PLC0415

        Client.objects.filter(pk__in=[row.client_id for row in self.numbered(mailing, numbers)]).delete()

    def do_readdress(self, mailing: int, numbers: list[int], domain: str) -> None:
        """Give these recipients' clients an address in another domain."""
        for row in self.numbered(mailing, numbers):
            row.client.email = row.client.email.replace("shop.example", domain)
            row.client.save(update_fields=["email"])

    def do_add(self, mailing: int, count: int) -> None:
        """Add so many clients to the mailing's list."""
        from mailings.models import Client  # noqa: PLC0415

        owner = self.mailing(mailing).owner
        new = Client.objects.bulk_create(Client(owner=owner, email=f"new.{n}@shop.example") for n in range(count))
        self.mailing(mailing).lists.get().clients.add(*new)

    def do_edit(self, mailing: int, subject: str) -> None:
        message = self.mailing(mailing).message
        message.subject = subject
        message.save(update_fields=["subject"])

    # --- Time

    def do_minute(self) -> None:
        from mailings import tasks  # noqa: PLC0415

        tasks.each_minute.call_local()

    def do_tick_and_deliver(self, at: str) -> None:
        """Do the minute's task as of some other time, and send at once what it finds."""
        from mailings import operations  # noqa: PLC0415

        for run in operations.tick(datetime.fromisoformat(at)):
            operations.deliver(run)

    def do_let_time_pass(self, mailing: int) -> None:
        """Bring on whatever only waits for the clock: leases, next tries, resumption; then do the minute's task.

        A lease that a living worker may have renewed is let alone.
        """
        from mailings.models import Claim, Delivery, Mailing  # noqa: PLC0415
        from mailings.operations.lease import lease  # noqa: PLC0415

        now = timezone.now()
        past = now - timedelta(seconds=1)
        stale = now + lease() * (1 - RENEWED) - SLACK
        Claim.objects.filter(run__mailing=mailing, lease_until__lt=stale).update(lease_until=past)
        Delivery.objects.filter(run__mailing=mailing, state="deferred").update(next_try_at=past)
        Mailing.objects.filter(pk=mailing, resume_at__isnull=False).update(resume_at=past)
        self.do_minute()

    def do_end_window(self, mailing: int) -> None:
        from mailings.models import Mailing  # noqa: PLC0415

        Mailing.objects.filter(pk=mailing).update(finish_send_at=timezone.now())

    def do_abandon(self) -> None:
        """Let nothing be sent any more of the mailings there are."""
        from mailings.models import Mailing  # noqa: PLC0415

        Mailing.objects.filter(status__in=Mailing.UNFINISHED).update(status="switched_off")

    # --- Reading

    def do_look(self, mailing: int) -> dict[str, Any]:
        """Tell in short how far it is."""
        from mailings.models import Delivery  # noqa: PLC0415

        found = self.mailing(mailing)
        states = Delivery.objects.filter(run__mailing=mailing).order_by().values_list("state").annotate(Count("pk"))
        return {
            "status": found.status,
            "pause": found.pause_reason,
            "detail": found.pause_detail,
            "is_finished": found.runs.exists() and not found.runs.filter(finished_at=None).exists(),
            "states": dict(states),
        }

    def do_ledger(self, mailing: int) -> dict[str, Any]:
        """Tell all that the invariants are about."""
        from mailings.models import Attempt, Delivery, HourlyCounter, Run  # noqa: PLC0415

        domain = "shop.example"
        rows = Delivery.objects.filter(run__mailing=mailing).order_by()
        attempts = Attempt.objects.filter(run__mailing=mailing).order_by()
        hours = HourlyCounter.objects.filter(mailing=mailing)
        return self.do_look(mailing) | {
            "runs": list(Run.objects.filter(mailing=mailing).values("total", *STATES)),
            "hours": hours.aggregate(*(Sum(name, default=0) for name in ("accepted", "refused", "deferred"))),
            "deliveries": {
                pk: [f"{message_id.hex}@{domain}", state, tries]
                for pk, message_id, state, tries in rows.values_list("pk", "message_id", "state", "tries").iterator()
            },
            "attempts": list(attempts.values_list("delivery_id", "outcome").annotate(Count("pk"))),
        }

    def do_runs(self, mailing: int) -> list[Any]:
        """Tell for when each run was due, in UTC, and how many were accepted."""
        runs = self.mailing(mailing).runs.order_by("pk").values_list("scheduled_for", "accepted")
        return [(due.isoformat(timespec="minutes"), accepted) for due, accepted in runs]

    def mailing(self, pk: int) -> Any:
        from mailings.models import Mailing  # noqa: PLC0415

        return Mailing.objects.select_related("owner", "message").get(pk=pk)

    def numbered(self, mailing: int, numbers: list[int]) -> list[Any]:
        """Select the n-th recipients of a mailing."""
        from mailings.models import Delivery  # noqa: PLC0415

        rows = list(Delivery.objects.filter(run__mailing=mailing).order_by("pk"))
        return [rows[number] for number in numbers]


def at_once(acts: list[Callable[[], Any]]) -> None:
    """Run each in a thread with a connection of its own; the first error of any rises."""
    errors: list[BaseException] = []
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> None:
        try:
            gate.wait()
            act()
        except Exception as error:  # noqa: BLE001  it rises in the thread that asked
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    clerk = Clerk()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        close_old_connections()
        try:
            answer = {"answer": getattr(clerk, f"do_{name}")(**arguments)}
        except Exception:  # noqa: BLE001  it rises in the process that asked
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
