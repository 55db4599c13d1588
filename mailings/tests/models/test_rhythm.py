from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mailings.models import Rhythm

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
FAR = datetime(2030, 1, 1, tzinfo=UTC)


def berlin(*parts):
    return datetime(*parts, tzinfo=BERLIN)


class TestNextAfter:
    def test_is_the_first_time_itself_before_it(self):
        first = datetime(2026, 11, 23, 9, tzinfo=MOSCOW)

        due = Rhythm.DAILY.next_after(datetime(2026, 11, 22, tzinfo=UTC), first, FAR, MOSCOW)

        assert due == first

    def test_is_nothing_after_a_single_time(self):
        first = datetime(2026, 11, 23, 9, tzinfo=MOSCOW)

        assert Rhythm.ONCE.next_after(first, first, FAR, MOSCOW) is None

    def test_is_nothing_once_the_window_has_ended(self):
        first = datetime(2026, 11, 23, 9, tzinfo=MOSCOW)
        until = datetime(2026, 11, 24, 9, tzinfo=MOSCOW)

        assert Rhythm.DAILY.next_after(first, first, until, MOSCOW) is None

    def test_keeps_the_hour_on_the_wall_when_summer_time_begins(self):
        first = berlin(2026, 3, 28, 9)

        due = Rhythm.DAILY.next_after(first, first, FAR, BERLIN)

        assert due.astimezone(BERLIN).isoformat() == "2026-03-29T09:00:00+02:00"

    def test_moves_an_hour_that_the_spring_gap_skips_to_the_first_instant_after_it(self):
        first = berlin(2026, 3, 28, 2, 30)

        due = Rhythm.DAILY.next_after(first, first, FAR, BERLIN)

        assert due.isoformat() == "2026-03-29T03:00:00+02:00"

    def test_takes_the_first_of_an_hour_that_autumn_repeats(self):
        first = berlin(2026, 10, 24, 2, 30)

        due = Rhythm.DAILY.next_after(first, first, FAR, BERLIN)

        assert due.astimezone(UTC).isoformat() == "2026-10-25T00:30:00+00:00"

    @pytest.mark.parametrize(
        ("rhythm", "expected"),
        [(Rhythm.DAILY, "2026-02-01"), (Rhythm.WEEKLY, "2026-02-07"), (Rhythm.MONTHLY, "2026-02-28")],
    )
    def test_steps_by_its_length(self, rhythm, expected):
        first = datetime(2026, 1, 31, 9, tzinfo=MOSCOW)

        due = rhythm.next_after(first, first, FAR, MOSCOW)

        assert due.astimezone(MOSCOW).date().isoformat() == expected

    def test_comes_back_to_the_31st_after_a_short_month(self):
        first = datetime(2026, 1, 31, 9, tzinfo=MOSCOW)

        due = Rhythm.MONTHLY.next_after(datetime(2026, 3, 1, tzinfo=UTC), first, FAR, MOSCOW)

        assert due.astimezone(MOSCOW).date().isoformat() == "2026-03-31"


class TestLatestUntil:
    def test_is_one_time_after_days_without_a_worker(self):
        first = datetime(2026, 11, 1, 9, tzinfo=MOSCOW)

        due = Rhythm.DAILY.latest_until(datetime(2026, 11, 4, 8, tzinfo=MOSCOW), first, MOSCOW)

        assert due == datetime(2026, 11, 3, 9, tzinfo=MOSCOW)
