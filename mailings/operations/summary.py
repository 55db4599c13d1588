"""Figures for the pages, from counters and the runs' sums; never a count over attempts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from accounts.access import Owned
from accounts.models import User
from mailings.models import Client, HourlyCounter, Mailing, Run, Suppression


def scope(model: type[Owned], user: User, everybody: bool) -> Any:
    """Select what counts as the user's own, or for those who see all, everybody's."""
    return model.objects.visible_to(user) if everybody else model.objects.owned_by(user)


def progress(run: Run) -> dict[str, Any]:
    """Describe a run in numbers that add up to its total."""
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
    }


def running(user: User, everybody: bool) -> list[dict[str, Any]]:
    """Describe the runs under way, the newest first."""
    runs = scope(Run, user, everybody).unfinished().select_related("mailing").order_by("-pk")
    return [progress(run) for run in runs[:20]]


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


def in_need(user: User, everybody: bool) -> Iterable[Mailing]:
    """Select the mailings that wait for a person."""
    return list(scope(Mailing, user, everybody).filter(status=Mailing.Status.PAUSED).order_by("-pk")[:10])
