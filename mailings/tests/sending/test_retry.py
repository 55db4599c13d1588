from datetime import UTC, datetime, timedelta

import pytest

from mailings.sending.retry import MAX_TRIES, next_try

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
FAR = NOW + timedelta(days=30)


class TestNextTry:
    @pytest.mark.parametrize(("tries", "minutes"), [(1, 5), (2, 15), (3, 30), (4, 60), (5, 120), (6, 240), (7, 480)])
    def test_waits_longer_each_time(self, tries, minutes):
        assert next_try(tries, NOW, FAR, 0.5) == NOW + timedelta(minutes=minutes)

    @pytest.mark.parametrize(("chance", "minutes"), [(0.0, 4), (0.25, 4.5), (0.75, 5.5)])
    def test_spreads_by_a_fifth(self, chance, minutes):
        assert next_try(1, NOW, FAR, chance) == NOW + timedelta(minutes=minutes)

    @pytest.mark.parametrize("tries", [MAX_TRIES, MAX_TRIES + 1, 100])
    def test_gives_up_in_the_end(self, tries):
        assert next_try(tries, NOW, FAR, 0.5) is None

    def test_plans_nothing_for_the_end_of_the_window_or_later(self):
        assert next_try(1, NOW, NOW + timedelta(minutes=5), 0.5) is None
        assert next_try(1, NOW, NOW + timedelta(minutes=5, seconds=1), 0.5) == NOW + timedelta(minutes=5)
