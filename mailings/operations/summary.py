"""Figures for the pages, from counters and the runs' sums; never a count over attempts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts.access import Owned
from accounts.models import User
from accounts.moment import clock, from_now, lasting, when
from mailings.models import Client, HourlyCounter, ImportJob, Mailing, Run, Suppression
from mailings.operations import rate

# What is older has been seen or is past help.
LATELY = timedelta(days=7)


def scope(model: type[Owned], user: User, everybody: bool) -> Any:
    """Select what counts as the user's own, or for those who see all, everybody's."""
    return model.objects.visible_to(user) if everybody else model.objects.owned_by(user)


def progress(run: Run, now: datetime | None = None) -> dict[str, Any]:
    """Describe a run in numbers that add up to its total, and in words how it goes; `run` comes `with_pace`."""
    mailing = run.mailing
    decided = run.total - run.undecided
    return {
        "id": mailing.pk,
        "title": mailing.title,
        "url": reverse("admin:mailings_mailing_change", args=[mailing.pk]),
        "status": mailing.status,
        "status_label": str(mailing.get_status_display()),
        "total": run.total,
        "accepted": run.accepted,
        "refused": run.refused,
        "deferred": run.deferred,
        "unknown": run.unknown,
        "suppressed": run.suppressed,
        "cancelled": run.cancelled,
        "waiting": run.waiting,
        "percent": round(100 * decided / run.total) if run.total else 100,
        **tempo(run, now or timezone.now()),
    }


def tempo(run: Run, now: datetime) -> dict[str, Any]:
    """Put the rate, the foreseen end and a standstill into words; empty where there is nothing to say."""
    if run.finished_at:
        took = lasting(run.finished_at - run.started_at)
        return {"pace": gettext("Took %(time)s.") % {"time": took}, "warning": ""}
    if run.mailing.status != Mailing.Status.RUNNING:
        return {"pace": "", "warning": ""}
    if since := rate.stands_still_since(run, now):
        return {"pace": "", "warning": gettext("Nothing has moved since %(time)s.") % {"time": clock(since)}}
    end = rate.ends_at(run, now)
    if end is None:
        return {"pace": waiting_words(run), "warning": ""}
    values = {
        "rate": max(round(60 * rate.per_second(run, now)), 1),
        "end": clock(end) if end - now < timedelta(hours=12) else when(end),
        "left": from_now(end, now),
    }
    is_late = end > run.mailing.finish_send_at
    late = gettext("At this rate the window ends first: %(time)s.") % {"time": when(run.mailing.finish_send_at)}
    return {
        "pace": gettext("%(rate)s a minute, ends about %(end)s, %(left)s") % values,
        "warning": late if is_late else "",
    }


def waiting_words(run: Run) -> str:
    """Say what a run waits for that has nothing to hand over at the moment."""
    if run.deferred and not run.waiting:
        return gettext("The deferred ones are tried again later by themselves.")
    return ""


def running(user: User, everybody: bool) -> list[dict[str, Any]]:
    """Describe the runs under way, the newest first."""
    runs = scope(Run, user, everybody).unfinished().select_related("mailing").order_by("-pk")
    now = timezone.now()
    return [progress(run, now) for run in rate.with_pace(runs)[:20]]


def is_soon(user: User, everybody: bool, now: datetime) -> bool:
    """Tell whether a mailing starts within a minute: pages that nothing moves on look more often then."""
    scheduled = scope(Mailing, user, everybody).filter(status=Mailing.Status.SCHEDULED)
    return bool(scheduled.filter(next_send_at__lte=now + timedelta(minutes=1)).exists())


def totals(user: User, everybody: bool) -> dict[str, int]:
    """Count mailings, clients and, from the runs' sums, accepted and failed letters."""
    mailings = scope(Mailing, user, everybody)
    sums = scope(HourlyCounter, user, everybody).aggregate(accepted=Sum("accepted"), failed=Sum("refused"))
    accepted, failed = sums["accepted"] or 0, sums["failed"] or 0
    return {
        "mailings": mailings.count(),
        "active": mailings.active().count(),
        "clients": scope(Client, user, everybody).count(),
        "suppressed": scope(Suppression, user, everybody).count(),
        "accepted": accepted,
        "failed": failed,
        "failed_percent": round(100 * failed / (accepted + failed)) if accepted + failed else 0,
    }


def days(user: User, everybody: bool, count: int, now: datetime) -> list[dict[str, Any]]:
    """Sum accepted and failed letters by day of the viewer's time zone, with a zero for quiet days."""
    today = timezone.localdate(now)
    first = today - timedelta(days=count - 1)
    since = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    rows = (
        scope(HourlyCounter, user, everybody)
        .filter(hour__gte=since)
        .order_by()
        .annotate(day=TruncDate("hour"))
        .values("day")
        .annotate(accepted=Sum("accepted"), failed=Sum("refused"))
    )
    found: dict[date, Any] = {row["day"]: row for row in rows}
    every_day = (first + timedelta(days=n) for n in range(count))
    return [
        {"day": day, "accepted": found.get(day, {}).get("accepted", 0), "failed": found.get(day, {}).get("failed", 0)}
        for day in every_day
    ]


def upcoming(user: User, everybody: bool) -> Iterable[Mailing]:
    scheduled = scope(Mailing, user, everybody).filter(status=Mailing.Status.SCHEDULED)
    return list(scheduled.order_by("next_send_at")[:5])


def paused(user: User, everybody: bool) -> Iterable[Mailing]:
    """Select the mailings that wait for a person."""
    return list(scope(Mailing, user, everybody).filter(status=Mailing.Status.PAUSED).order_by("-pk")[:10])


def incomplete(user: User, everybody: bool, now: datetime) -> Iterable[Run]:
    """Select the latest runs that ended without reaching everybody while there is time to send again."""
    runs = scope(Run, user, everybody).filter(finished_at__isnull=False, mailing__finish_send_at__gt=now)
    missed = runs.filter(Q(refused__gt=0) | Q(unknown__gt=0)).exclude(mailing__status=Mailing.Status.SWITCHED_OFF)
    return list(missed.filter(finished_at__gte=now - LATELY).select_related("mailing").order_by("-pk")[:5])


def wrong_imports(user: User, everybody: bool, now: datetime) -> Iterable[ImportJob]:
    """Select the latest imports that left rows out or failed."""
    jobs = scope(ImportJob, user, everybody).filter(created_at__gte=now - LATELY)
    wrong = Q(status=ImportJob.Status.FAILED) | Q(wrong__gt=0, status=ImportJob.Status.COMPLETED)
    return list(jobs.filter(wrong).order_by("-pk")[:5])
