"""The minute's housekeeping: nothing that a killed worker or a lost queue message left behind stays behind."""

from __future__ import annotations

import os
import socket
from datetime import datetime

from django.db import transaction
from django.db.models import F

from mailings.models import Attempt, Claim, Delivery, Mailing, Reason, Run, Worker
from mailings.operations.control import cancel_waiting, end_window, locked, resume, wake_deferred
from mailings.operations.finish import finish_if_done
from mailings.operations.launch import discover
from mailings.operations.pace import forget_old
from mailings.operations.refusal import NotPossible
from mailings.operations.uphold import pause_unshared, settle_everybody


def tick(now: datetime) -> list[int]:
    """Do what is due at `now` and return the runs to wake. Idempotent: workers on several hosts may all do it."""
    show_life(now)
    forget_old(now)
    for mailing_id in Mailing.objects.overdue(now).values_list("pk", flat=True):
        end_window(mailing_id, now)
    settle_everybody()
    pause_unshared()
    resume_due(now)
    discover(now)
    for run in Run.objects.unfinished().select_related("mailing"):
        bring_up_to_date(run, now)
    return [
        run.pk for run in Run.objects.sendable() if run.waiting and Delivery.objects.free().filter(run=run).exists()
    ]


@transaction.atomic
def bring_up_to_date(run: Run, now: datetime) -> None:
    mailing = locked(run.mailing_id)
    mark_unknown(run, now)
    if mailing.status == Mailing.Status.SWITCHED_OFF:
        # Whoever came back from a worker's hand after the switch was thrown.
        cancel_waiting(run, Reason.SWITCHED_OFF, now)
    else:
        wake_deferred(run, now)
    finish_if_done(run.pk, now)


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


def mark_unknown(run: Run, now: datetime) -> int:
    """Own up to letters whose worker is gone: they may have been handed over, so only a person sends them again.

    Whoever stands above the mark of a claim was not, and is anybody's again. The caller holds the mailing's row.
    """
    return sum(end_claim(claim, run, now) for claim in run.claims.expired().select_for_update())


def end_claim(claim: Claim, run: Run, now: datetime) -> int:
    unanswered = Delivery.objects.pending().filter(run=run, pk__range=(claim.first, claim.mark))
    lost = list(unanswered.values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=lost).update(
        state=Delivery.State.UNKNOWN, reason=Reason.WORKER_LOST, tries=F("tries") + 1
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
    claim.delete()
    return len(lost)
