"""Times as people read them, always with their zone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext


def when(moment: datetime | None) -> str:
    """Write a day and a time."""
    return written(moment, "DATETIME_FORMAT")


def clock(moment: datetime | None) -> str:
    """Write a time of today."""
    return written(moment, "TIME_FORMAT")


def written(moment: datetime | None, style: str) -> str:
    if moment is None:
        return "—"
    local = timezone.localtime(moment)
    return f"{date_format(local, style)} {zone_of(local)}"


def zone_of(local: datetime) -> str:
    name = local.tzname() or ""
    # The one zone whose Latin letters a Russian reader would stumble over.
    if name == "MSK":
        return gettext("MSK")
    # Most zones have a figure for a name.
    return f"UTC{name}" if name[:1] in ("+", "-") else name
