"""How often a mailing goes out, counted on the wall clock of its owner's zone, so that 9 o'clock stays 9 o'clock."""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from django.db import models
from django.utils.translation import gettext_lazy as _


def existing(wall: datetime, zone: tzinfo) -> datetime:
    """Put a wall-clock time into a zone: an hour that the spring gap skips becomes the first instant after it, and of
    an hour that autumn repeats the first one counts.
    """
    moment = wall.replace(tzinfo=zone, fold=0)
    while moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        wall = wall.replace(second=0, microsecond=0) + timedelta(minutes=1)
        moment = wall.replace(tzinfo=zone, fold=0)
    return moment


def months_later(wall: datetime, count: int) -> datetime:
    """Step on by months; the 31st becomes the last day of a shorter month."""
    year, month = divmod(wall.month - 1 + count, 12)
    last = calendar.monthrange(wall.year + year, month + 1)[1]
    return wall.replace(year=wall.year + year, month=month + 1, day=min(wall.day, last))


class Rhythm(models.TextChoices):
    ONCE = "once", _("once")
    DAILY = "daily", _("daily")
    WEEKLY = "weekly", _("weekly")
    MONTHLY = "monthly", _("monthly")

    def occurrences(self, first: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Count up the times at which the rhythm falls due, beginning with `first`, without end unless once."""
        wall = first.astimezone(zone).replace(tzinfo=None)
        yield first
        count = 1
        while self is not Rhythm.ONCE:
            yield existing(self.step(wall, count), zone)
            count += 1

    def step(self, wall: datetime, count: int) -> datetime:
        if self is Rhythm.MONTHLY:
            return months_later(wall, count)
        return wall + timedelta(days=count * (7 if self is Rhythm.WEEKLY else 1))

    def next_after(self, moment: datetime, first: datetime, until: datetime, zone: tzinfo) -> datetime | None:
        """Find the first time after `moment`, or None when the window ends before it."""
        for due in self.occurrences(first, zone):
            if due >= until:
                return None
            if due > moment:
                return due
        return None

    def latest_until(self, moment: datetime, first: datetime, zone: tzinfo) -> datetime:
        """Find the last time not after `moment`: after days without a worker one run is due, not one for each day."""
        latest = first
        for due in self.occurrences(first, zone):
            if due > moment:
                break
            latest = due
        return latest
