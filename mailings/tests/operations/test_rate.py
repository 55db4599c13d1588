"""How fast a run goes and when it ends, from the times of its attempts."""

from datetime import UTC, datetime, timedelta

import pytest

from mailings.models import Attempt, Delivery, Run
from mailings.operations import rate, summary
from mailings.tests.factories import make_mailing, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def make_run(ages, total=200, started=600, **fields):
    """Make a run under way with an accepted attempt of each age in seconds, the oldest first."""
    owner = make_user(time_zone="Europe/Moscow", language="en")
    mailing = make_mailing(owner, status="running", finish_send_at=NOW + timedelta(hours=1))
    run = Run.objects.create(
        owner=owner,
        mailing=mailing,
        snapshot={},
        total=total,
        accepted=len(ages),
        started_at=NOW - timedelta(seconds=started),
        **fields,
    )
    delivery = Delivery.objects.create(owner=owner, run=run, address="a@client.example", state="accepted")
    Attempt.objects.bulk_create(
        Attempt(owner=owner, run=run, delivery=delivery, made_at=NOW - timedelta(seconds=age), outcome="accepted")
        for age in ages
    )
    return rate.with_pace(Run.objects.filter(pk=run.pk)).get()


class TestTheRate:
    def test_is_that_of_the_last_twenty_letters(self):
        run = make_run([*[500] * 30, *range(40, -2, -2)])

        assert rate.per_second(run, NOW) == 20 / 40

    def test_is_that_since_the_launch_while_few_have_left(self):
        assert rate.per_second(make_run([3, 2, 1], started=60), NOW) == 3 / 60

    def test_falls_while_nothing_moves(self):
        run = make_run([30] * 21)

        assert rate.per_second(run, NOW) > rate.per_second(run, NOW + timedelta(minutes=1))


class TestTheEnd:
    def test_is_when_those_who_wait_have_been_tried(self):
        run = make_run([*[500] * 30, *range(40, -2, -2)], total=81)

        assert (run.waiting, rate.ends_at(run, NOW)) == (30, NOW + timedelta(seconds=60))

    @pytest.mark.parametrize("status", ["paused", "completed", "switched_off"])
    def test_is_unknown_where_nothing_is_sent(self, status):
        run = make_run(range(40, -2, -2))
        run.mailing.status = status

        assert rate.ends_at(run, NOW) is None

    def test_warns_where_the_window_ends_first(self):
        words = summary.progress(make_run(range(100, -5, -5), total=2000), NOW)

        assert "ends about" in words["pace"]
        assert words["warning"].startswith("At this rate the window ends first")


class TestAStandstill:
    def test_is_told_after_three_minutes_without_an_answer(self):
        run = make_run([400, 170])

        assert rate.stands_still_since(run, NOW) is None
        assert rate.stands_still_since(run, NOW + timedelta(seconds=15)) == NOW - timedelta(seconds=170)

    def test_is_none_where_everybody_left_is_deferred(self):
        run = make_run([400], total=2, deferred=1)

        assert rate.stands_still_since(run, NOW) is None


class TestTheTimeForALaunch:
    def test_is_unknown_without_limits_and_without_a_run_before(self):
        assert rate.time_for(1000) is None

    def test_keeps_to_the_limits(self, settings):
        settings.SENDING_LIMITS = "30/m 2000/d"

        assert [rate.time_for(count) for count in (30, 31, 2001)] == [
            None,
            timedelta(minutes=1),
            timedelta(days=1),
        ]

    def test_is_in_proportion_to_the_last_run(self):
        run = make_run([1] * 100, total=100)
        Run.objects.filter(pk=run.pk).update(finished_at=run.started_at + timedelta(seconds=50))

        assert rate.time_for(1000) == timedelta(seconds=500)
