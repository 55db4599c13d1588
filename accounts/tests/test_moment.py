"""Times as people read them, in both languages."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from accounts.moment import exactly, from_now, in_full, lasting, when, zone_in_words

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class TestADistance:
    @pytest.mark.parametrize(
        ("ahead", "english", "russian"),
        [
            (timedelta(hours=18, minutes=8), "in 18 h 8 min", "через 18 ч 8 мин"),
            (timedelta(days=1, hours=10, minutes=36), "in 1 day 10 h", "через 1 день 10 ч"),
            (timedelta(days=22), "in 22 days", "через 22 дня"),
            (timedelta(days=25, minutes=5), "in 25 days", "через 25 дней"),
            (timedelta(seconds=40), "less than a minute from now", "меньше чем через минуту"),
            (timedelta(seconds=-40), "just now", "только что"),
            (timedelta(minutes=-3), "3 min ago", "3 мин назад"),
        ],
    )
    def test_has_at_most_two_units(self, ahead, english, russian):
        with translation.override("en"):
            assert from_now(NOW + ahead, NOW) == english
        with translation.override("ru"):
            assert from_now(NOW + ahead, NOW) == russian

    def test_of_less_than_a_minute_is_in_seconds(self):
        with translation.override("ru"):
            assert lasting(timedelta(seconds=7)) == "7 с"


class TestATime:
    def test_has_its_zone(self):
        with timezone.override(ZoneInfo("Europe/Moscow")), translation.override("ru"):
            assert when(NOW) == "23.11.2026 15:00 МСК"
            assert exactly(NOW) == "23.11.2026 15:00:00 МСК"
            assert zone_in_words(NOW) == "Europe/Moscow (UTC+3)"

    def test_has_a_zone_of_half_hours(self):
        with timezone.override(ZoneInfo("Asia/Kolkata")):
            assert zone_in_words(NOW) == "Asia/Kolkata (UTC+5:30)"

    def test_that_is_none_is_a_dash(self):
        assert (when(None), exactly(None), in_full(None)) == ("—", "—", "—")
