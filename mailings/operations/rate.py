"""How fast letters leave and when the last one will: measured for a run under way, expected for one to come.

Looks at single attempts by their place in an index and never counts them, so it costs the same for any run.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from mailings.models import Attempt, Mailing, Run
from mailings.sending.pace import Limits

# So many letters back the clock is read: a slow run is measured by the few, a quick one by the many.
FEW, MANY = 20, 1000
# Over less than this the answers of one window come in one heap.
SHORTEST = timedelta(seconds=10)
# After so long without an answer a run that has somebody to send to stands still.
STILL_AFTER = timedelta(minutes=3)
# A run of fewer letters says little about the next one.
TELLING = 50


def with_pace(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Give each run the times of its newest attempt and of those some way back."""
    attempts = Attempt.objects.filter(run=OuterRef("pk")).order_by("-id").values("made_at")
    return runs.annotate(
        newest_at=Subquery(attempts[:1]),
        few_at=Subquery(attempts[FEW : FEW + 1]),
        many_at=Subquery(attempts[MANY : MANY + 1]),
    )


def per_second(run: Any, now: datetime) -> float:
    """Measure the letters answered a second lately; since the launch where that is too short or too few to tell."""
    for letters, since in ((FEW, run.few_at), (MANY, run.many_at)):
        if since and now - since >= SHORTEST:
            return float(letters / (now - since).total_seconds())
    answered = run.accepted + run.refused + run.deferred + run.unknown
    return float(answered / max((now - run.started_at).total_seconds(), 1))


def ends_at(run: Any, now: datetime) -> datetime | None:
    """Foresee when everybody has been tried once, or None while nothing moves. Deferred ones come back later."""
    speed = per_second(run, now)
    if run.mailing.status != Mailing.Status.RUNNING or not run.waiting or speed <= 0:
        return None
    left = run.waiting / speed
    # Beyond a year it is no forecast.
    return now + timedelta(seconds=left) if left < timedelta(days=366).total_seconds() else None


def stands_still_since(run: Any, now: datetime) -> datetime | None:
    """Tell since when a run that should send has had no answer."""
    last: datetime = run.newest_at or run.started_at
    is_still = run.mailing.status == Mailing.Status.RUNNING and run.waiting and now - last > STILL_AFTER
    return last if is_still else None


def time_for(letters: int) -> timedelta | None:
    """Expect how long so many letters take: by the account's limits and as quick as lately, or None if nobody knows."""
    by_limits = timedelta(seconds=Limits.parse(settings.SENDING_LIMITS).seconds_for(letters))
    last = Run.objects.filter(finished_at__isnull=False, accepted__gte=TELLING).order_by("-pk").first()
    if last is None or last.finished_at is None:
        return by_limits or None
    took = max(last.finished_at - last.started_at, timedelta(seconds=1))
    as_lately: timedelta = took * letters / last.total
    return max(by_limits, as_lately)
