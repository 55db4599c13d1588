"""Launching a mailing: by a person's hand now, by his hand for later, or by the schedule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from mailings.models import Mailing, Message, Run
from mailings.operations.control import pause
from mailings.operations.finish import finish_if_done
from mailings.operations.recipients import fix_recipients, mailable
from mailings.operations.refusal import (
    AlreadyLaunched,
    IsPaused,
    IsSwitchedOff,
    NoRecipients,
    OwnerIsBlocked,
    WindowEnded,
)
from mailings.operations.unshared import is_unshared, refuse_unshared


def snapshot(message: Message) -> dict[str, Any]:
    """Copy the message as it is, for the run: what is edited later does not change what this run sends."""
    attachments = [{"name": str(a), "path": a.file.name} for a in message.attachments.all()]
    return {"subject": message.subject, "text": message.text, "html": message.html, "attachments": attachments}


def refuse_unlaunchable(mailing: Mailing, now: datetime) -> None:
    """:raises NotPossible: its status, its window, its owner or what is not shared with him stands in the way."""
    if mailing.status == Mailing.Status.RUNNING:
        raise AlreadyLaunched
    if mailing.status == Mailing.Status.PAUSED:
        raise IsPaused
    if mailing.status == Mailing.Status.SWITCHED_OFF:
        raise IsSwitchedOff
    if mailing.finish_send_at <= now:
        raise WindowEnded
    if not mailing.owner.is_active:
        raise OwnerIsBlocked
    refuse_unshared(mailing)


def launch(mailing_id: int, by: User) -> Run | None:
    """Start a run now, or schedule it where the window has not begun yet (then there is no run so far).

    :raises NotPossible: see `refuse_unlaunchable`; or it has no recipients.
    """
    now = timezone.now()
    with transaction.atomic():
        mailing = (
            Mailing.objects.select_for_update(of=("self",), no_key=True)
            .select_related("owner", "message")
            .get(pk=mailing_id)
        )
        refuse_unlaunchable(mailing, now)
        if not mailable(mailing).exists():
            raise NoRecipients
        if mailing.first_send_at > now:
            schedule(mailing)
            return None
        return start(mailing, now, trigger=Run.Trigger.BY_HAND, launched_by=by)


def schedule(mailing: Mailing) -> None:
    if mailing.status == Mailing.Status.SCHEDULED:
        raise AlreadyLaunched
    mailing.status = Mailing.Status.SCHEDULED
    mailing.next_send_at = mailing.first_send_at
    mailing.save(update_fields=["status", "next_send_at"])


def start(mailing: Mailing, now: datetime, **how: Any) -> Run:
    """Make the run and its ledger, all or nothing. The caller holds the mailing's row."""
    run = Run.objects.create(
        mailing=mailing, owner_id=mailing.owner_id, snapshot=snapshot(mailing.message), started_at=now, **how
    )
    run.total = fix_recipients(run)
    run.save(update_fields=["total"])
    mailing.status = Mailing.Status.RUNNING
    mailing.next_send_at = mailing.due_after(now)
    mailing.save(update_fields=["status", "next_send_at"])
    finish_if_done(run.pk, now)
    return run


def discover(now: datetime) -> list[Run]:
    """Start a run of each due mailing. Two schedulers make one run: the row is locked and the time is unique."""
    due = Mailing.objects.due(now).values_list("pk", flat=True)
    return [run for pk in due if (run := start_due(pk, now))]


def start_due(mailing_id: int, now: datetime) -> Run | None:
    try:
        with transaction.atomic():
            mailing = (
                Mailing.objects.due(now)
                .select_for_update(of=("self",), no_key=True)
                .select_related("owner", "message")
                .filter(pk=mailing_id)
                .first()
            )
            if mailing is None:
                return None
            if is_unshared(mailing):
                pause(mailing_id, Mailing.PauseReason.NOT_SHARED)
                return None
            return start(mailing, now, trigger=Run.Trigger.SCHEDULED, scheduled_for=mailing.due_until(now))
    except IntegrityError:
        # Another scheduler made the run for this very time: its run stands, ours is rolled back whole.
        return None
