"""What people, blocks and the mail server do to a mailing: pause, resume, switch off, send again, end of the window."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import User
from mailings.models import Delivery, Mailing, Reason, Run
from mailings.operations.finish import finish_if_done
from mailings.operations.refusal import (
    IsFinished,
    IsNotPaused,
    IsNotRunning,
    IsSwitchedOff,
    NothingToRetry,
    OwnerIsBlocked,
    WindowEnded,
    WindowNotOpen,
)
from mailings.operations.unshared import refuse_unshared

Status = Mailing.Status
Pause = Mailing.PauseReason
State = Delivery.State


def locked(mailing_id: int) -> Mailing:
    """Hold the mailing's row; without its key, for which a worker that counts an hour asks while it holds the run's."""
    mailing: Mailing = (
        Mailing.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=mailing_id)
    )
    return mailing


@transaction.atomic
def pause(
    mailing_id: int, reason: str = Pause.BY_HAND, detail: str = "", resume_after: timedelta | None = None
) -> None:
    """Stop handing letters over; those in flight are still answered. With `resume_after` it resumes by itself.

    :raises IsNotRunning: it neither runs nor is scheduled.
    """
    mailing = locked(mailing_id)
    if mailing.status not in (Status.RUNNING, Status.SCHEDULED):
        raise IsNotRunning
    mailing.status = Status.PAUSED
    mailing.pause_reason, mailing.pause_detail = reason, detail[:500]
    mailing.resume_at = timezone.now() + resume_after if resume_after else None
    mailing.save(update_fields=["status", "pause_reason", "pause_detail", "resume_at"])


@transaction.atomic
def resume(mailing_id: int) -> list[int]:
    """Go on where it stopped, and return the runs to wake.

    :raises NotPossible: it is not paused, its window has ended, its owner is blocked, or what it uses is not shared
        with him any more.
    """
    mailing = locked(mailing_id)
    if mailing.status != Status.PAUSED:
        raise IsNotPaused
    if mailing.finish_send_at <= timezone.now():
        raise WindowEnded
    if not mailing.owner.is_active:
        raise OwnerIsBlocked
    refuse_unshared(mailing)
    runs = list(mailing.runs.unfinished().values_list("pk", flat=True))
    mailing.status = Status.RUNNING if runs else Status.SCHEDULED
    mailing.pause_reason, mailing.pause_detail, mailing.resume_at = "", "", None
    mailing.save(update_fields=["status", "pause_reason", "pause_detail", "resume_at"])
    return runs


@transaction.atomic
def switch_off(mailing_id: int, by: User, reason: str = "") -> int:
    """End the mailing for good and return how many recipients do not get it. Letters in flight are still answered.

    :raises NotPossible: it is finished, or off already.
    """
    mailing = locked(mailing_id)
    if mailing.status == Status.SWITCHED_OFF:
        raise IsSwitchedOff
    if mailing.status == Status.COMPLETED:
        raise IsFinished
    now = timezone.now()
    mailing.status, mailing.next_send_at, mailing.resume_at = Status.SWITCHED_OFF, None, None
    mailing.switched_off_at, mailing.switched_off_by, mailing.switched_off_reason = now, by, reason[:500]
    mailing.save(
        update_fields=[
            "status", "next_send_at", "resume_at", "switched_off_at", "switched_off_by", "switched_off_reason",
        ]
    )  # fmt: skip
    return sum(cancel_waiting(run, Reason.SWITCHED_OFF, now) for run in mailing.runs.unfinished())


def cancel_waiting(run: Run, reason: Reason, now: datetime) -> int:
    """Cancel whom nobody may have handed over, keep the sums true, and end the run if that was everybody.

    The caller holds the mailing's row, so that no claim is made; those there are end at their marks from here on.
    """
    run.claims.update(last=F("mark"))
    waiting = Delivery.objects.waiting().filter(run=run)
    deferred = waiting.filter(state=State.DEFERRED).update(state=State.CANCELLED, reason=reason, next_try_at=None)
    pending = waiting.update(state=State.CANCELLED, reason=reason)
    Run.objects.filter(pk=run.pk).update(
        deferred=F("deferred") - deferred, cancelled=F("cancelled") + deferred + pending
    )
    finish_if_done(run.pk, now)
    return deferred + pending


def end_window(mailing_id: int, now: datetime) -> None:
    """Keep the window's promise: nothing leaves after it; whoever is left is cancelled and the mailing completed."""
    with transaction.atomic():
        mailing = (
            Mailing.objects.overdue(now).select_for_update(of=("self",), no_key=True).filter(pk=mailing_id).first()
        )
        if mailing is None:
            return
        mailing.next_send_at = None
        mailing.save(update_fields=["next_send_at"])
        runs = list(mailing.runs.unfinished())
        for run in runs:
            cancel_waiting(run, Reason.WINDOW_ENDED, now)
        if not runs:
            mailing.status = Status.COMPLETED
            mailing.save(update_fields=["status"])


def failed(mailing: Mailing, states: Iterable[str]) -> QuerySet[Delivery]:
    """Select whom the last run did not reach, in one of these final states."""
    last = mailing.runs.order_by("-pk").values("pk")[:1]
    return Delivery.objects.filter(run__in=last, state__in=states)


@transaction.atomic
def retry(mailing_id: int, states: Iterable[str] = (State.REFUSED,)) -> int:
    """Send the last run again to whom it did not reach, and return how many; only a person decides this.

    :raises NotPossible: it is off, the window is not open, its owner is blocked, or nobody is left.
    """
    mailing = locked(mailing_id)
    refuse_retry(mailing)
    run = mailing.runs.order_by("-pk").first()
    now = timezone.now()
    # Due at once rather than pending: under a worker's claim a pending delivery means a letter that may be on its way.
    counts = {
        state: Delivery.objects.filter(run=run, state=state).update(
            state=State.DEFERRED, reason="", tries=0, next_try_at=now
        )
        for state in states
    }
    if run is None or not sum(counts.values()):
        raise NothingToRetry
    sums = {state: F(state) - count for state, count in counts.items()}
    Run.objects.filter(pk=run.pk).update(finished_at=None, deferred=F("deferred") + sum(counts.values()), **sums)
    wake_deferred(run, now)
    if mailing.status != Status.PAUSED:
        mailing.status = Status.RUNNING
        mailing.save(update_fields=["status"])
    return sum(counts.values())


def wake_deferred(run: Run, now: datetime) -> int:
    """Make those pending again whose next try has come; those under a worker's claim a moment later, when it has ended.

    The caller holds the mailing's row, so that no claim is made meanwhile.
    """
    woken = Delivery.objects.due(now).unclaimed().filter(run=run).update(state=State.PENDING, next_try_at=None)
    if woken:
        Run.objects.filter(pk=run.pk).update(deferred=F("deferred") - woken)
    return int(woken)


def refuse_retry(mailing: Mailing) -> None:
    now = timezone.now()
    if mailing.status == Status.SWITCHED_OFF:
        raise IsSwitchedOff
    if mailing.finish_send_at <= now:
        raise WindowEnded
    if mailing.first_send_at > now:
        raise WindowNotOpen
    if not mailing.owner.is_active:
        raise OwnerIsBlocked
    refuse_unshared(mailing)
