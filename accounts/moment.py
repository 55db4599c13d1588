"""Times as people read them, always with their zone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext


def when(moment: datetime | None) -> str:
    """Write a day and a time."""
    return written(moment, "DATETIME_FORMAT")


def exactly(moment: datetime | None) -> str:
    """Write a day and a time to the second, as a log wants it."""
    local = timezone.localtime(moment) if moment else None
    return f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S} {zone_of(local)}" if local else "—"


def clock(moment: datetime | None) -> str:
    """Write a time of today."""
    return written(moment, "TIME_FORMAT")


def in_full(moment: datetime | None) -> str:
    """Write a day and a time, and how far off that is."""
    return f"{when(moment)}, {from_now(moment)}" if moment else "—"


def from_now(moment: datetime, now: datetime | None = None) -> str:
    """Say how far a time lies ahead or back, to its two largest units."""
    distance = moment - (now or timezone.now())
    if abs(distance) < timedelta(minutes=1):
        return gettext("less than a minute from now") if distance > timedelta() else gettext("just now")
    text = {"time": lasting(abs(distance))}
    return gettext("in %(time)s") % text if distance > timedelta() else gettext("%(time)s ago") % text


def lasting(duration: timedelta) -> str:
    """Write a duration in its two largest units."""
    seconds = round(duration.total_seconds())
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [
        (days, ngettext("%(n)s day", "%(n)s days", days) % {"n": days}),
        (hours, gettext("%(n)s h") % {"n": hours}),
        (minutes, gettext("%(n)s min") % {"n": minutes}),
    ]
    first = next((place for place, (count, _text) in enumerate(parts) if count), None)
    if first is None:
        return gettext("%(n)s s") % {"n": seconds}
    return " ".join(text for count, text in parts[first : first + 2] if count)


def zone_in_words(moment: datetime) -> str:
    """Name the viewer's zone with its distance from UTC, as under a chart: Europe/Moscow (UTC+3)."""
    hours = f"{timezone.localtime(moment):%z}"
    distance = f"{hours[0]}{int(hours[1:3])}" + (f":{hours[3:]}" if hours[3:] != "00" else "")
    return f"{timezone.get_current_timezone_name().replace('_', ' ')} (UTC{distance})"


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
