"""Completion is computed, never declared: a run ends when no recipient of it is undecided."""

from datetime import datetime

from django.db import transaction

from mailings.models import Delivery, Mailing, Run


def finish_if_done(run_id: int, now: datetime) -> bool:
    """End the run and move its mailing on, if nobody is undecided. Safe to call at any time, from anywhere."""
    if is_undecided(run_id):
        return False
    with transaction.atomic():
        mailing = Mailing.objects.select_for_update(of=("self",), no_key=True).get(runs=run_id)
        # Once more under the lock: a person may have sent it to the failed ones again in between.
        if is_undecided(run_id):
            return False
        ended = Run.objects.unfinished().filter(pk=run_id).update(finished_at=now)
        if ended and mailing.status != Mailing.Status.SWITCHED_OFF:
            move_on(mailing, now)
    return bool(ended)


def move_on(mailing: Mailing, now: datetime) -> None:
    """Go back to scheduled while the rhythm has a time left inside the window, else be completed."""
    has_next = mailing.next_send_at is not None and mailing.finish_send_at > now
    mailing.status = Mailing.Status.SCHEDULED if has_next else Mailing.Status.COMPLETED
    mailing.next_send_at = mailing.next_send_at if has_next else None
    mailing.pause_reason, mailing.pause_detail, mailing.resume_at = "", "", None
    mailing.save(update_fields=["status", "next_send_at", "pause_reason", "pause_detail", "resume_at"])


def is_undecided(run_id: int) -> bool:
    """Ask the sums first, which cost nothing; the rows have the last word, once."""
    return (
        Run.objects.undecided().filter(pk=run_id).exists() or Delivery.objects.undecided().filter(run=run_id).exists()
    )
