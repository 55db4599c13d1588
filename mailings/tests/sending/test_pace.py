import pytest

from mailings.sending.pace import BadLimits, Limits, allowance


class TestLimits:
    @pytest.mark.parametrize(
        ("text", "limits"),
        [
            ("1/s 30/m 500/h 2000/d", Limits(1, 30, 500, 2000)),
            ("500/d", Limits(per_day=500)),
            ("30/m, 500/h", Limits(per_minute=30, per_hour=500)),
            ("", Limits()),
        ],
    )
    def test_are_read_from_a_setting(self, text, limits):
        assert Limits.parse(text) == limits

    @pytest.mark.parametrize("text", ["0/s", "-1/s", "1/w", "1 / s", "x/d", "5/d 6/d", "1.5/s", "５/s", "9999999999/d"])
    def test_are_refused_when_wrong(self, text):
        with pytest.raises(BadLimits):
            Limits.parse(text)


class TestAllowance:
    @pytest.mark.parametrize(
        ("used", "letters"),
        [
            ({}, 2),
            ({1: 1}, 1),
            ({1: 0, 60: 29, 3600: 29, 86400: 29}, 1),
            ({86400: 2000}, 0),
            ({86400: 2500}, 0),
            ({1: 2, 86400: 5}, 0),
        ],
    )
    def test_is_what_the_tightest_limit_leaves(self, used, letters):
        assert allowance(Limits(2, 30, 500, 2000), used) == letters

    def test_is_endless_without_limits(self):
        assert allowance(Limits(), {86400: 10**9}) is None
