"""The minute's housekeeping: nothing that a killed worker or a lost queue message left behind stays behind."""

from __future__ import annotations

import os
import socket
from datetime import datetime

from django.db import transaction
from django.db.models import F

from mailings.models import Attempt, Delivery, Mailing, Reason, Run, Worker
from mailings.operations.control import end_window, resume
from mailings.operations.finish import finish_if_done
from mailings.operations.launch import discover
from mailings.operations.pace import forget_old
from mailings.operations.refusal import NotPossible


def tick(now: datetime) -> list[int]:
    """Do what is due at `now` and return the runs to wake. Idempotent: workers on several hosts may all do it."""
    show_life(now)
    forget_old(now)
    for mailing_id in Mailing.objects.overdue(now).values_list("pk", flat=True):
        end_window(mailing_id, now)
    resume_due(now)
    discover(now)
    for run in Run.objects.unfinished():
        mark_unknown(run, now)
        wake_deferred(run, now)
        finish_if_done(run.pk, now)
    return [run.pk for run in Run.objects.sendable() if Delivery.objects.pending().filter(run=run).exists()]


def show_life(now: datetime) -> None:
    Worker.objects.update_or_create(name=f"{socket.gethostname()}:{os.getpid()}"[:100], defaults={"seen_at": now})


def resume_due(now: datetime) -> None:
    """Resume what was paused until a time that has come (no connection, a rate, a quota)."""
    waiting = Mailing.objects.filter(status=Mailing.Status.PAUSED, resume_at__lte=now, owner__is_active=True)
    for mailing_id in waiting.values_list("pk", flat=True):
        try:
            resume(mailing_id)
        except NotPossible:
            # Somebody resumed it or its window ended in this very moment: both are fine.
            continue


@transaction.atomic
def mark_unknown(run: Run, now: datetime) -> int:
    """Own up to letters whose worker is gone: they may have been handed over, so only a person sends them again."""
    lost = list(Delivery.objects.abandoned(now).filter(run=run).select_for_update().values_list("pk", flat=True))
    if not lost:
        return 0
    Delivery.objects.filter(pk__in=lost).update(
        state=Delivery.State.UNKNOWN,
        reason=Reason.WORKER_LOST,
        tries=F("tries") + 1,
        claim_token=None,
        lease_until=None,
    )
    Attempt.objects.bulk_create(
        Attempt(
            owner_id=run.owner_id,
            run=run,
            delivery_id=pk,
            made_at=now,
            outcome=Attempt.Outcome.UNKNOWN,
            reason=Reason.WORKER_LOST,
        )
        for pk in lost
    )
    Run.objects.filter(pk=run.pk).update(unknown=F("unknown") + len(lost))
    return len(lost)


@transaction.atomic
def wake_deferred(run: Run, now: datetime) -> int:
    """Make those pending again whose next try has come."""
    woken = Delivery.objects.due(now).filter(run=run).update(state=Delivery.State.PENDING, next_try_at=None)
    if woken:
        Run.objects.filter(pk=run.pk).update(deferred=F("deferred") - woken)
    return woken
