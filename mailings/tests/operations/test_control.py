from datetime import timedelta

import pytest
from django.utils import timezone

from mailings import operations
from mailings.models import Attempt, Claim, Delivery, Mailing, Reason, Run, Suppression
from mailings.operations import refusal
from mailings.operations.recover import tick
from mailings.tests.factories import make_client, make_mailing, make_manager, make_user

pytestmark = pytest.mark.django_db
State, Status = Delivery.State, Mailing.Status


def launched(count=6, **fields):
    anna = make_user()
    mailing = make_mailing(anna, [make_client(anna) for _ in range(count)], **fields)
    return mailing, operations.launch(mailing.pk, anna)


def put(run, state, count=1, **fields):
    """Bring some pending deliveries into a state, with the run's sums."""
    ids = Delivery.objects.pending().filter(run=run).values_list("pk", flat=True)[:count]
    Delivery.objects.filter(pk__in=list(ids)).update(state=state, **fields)
    if state in ("accepted", "refused", "deferred", "unknown"):
        run.refresh_from_db()
        Run.objects.filter(pk=run.pk).update(**{state: getattr(run, state) + count})


def hand_over(run, count=1, seconds=500):
    """Have a worker claim all that are pending and hand the first of them over; its lease ends in so many seconds."""
    ids = list(Delivery.objects.free().filter(run=run).order_by("pk").values_list("pk", flat=True))
    until = timezone.now() + timedelta(seconds=seconds)
    return Claim.objects.create(run=run, first=ids[0], last=ids[-1], mark=ids[count - 1], lease_until=until)


def states(run):
    rows = Delivery.objects.filter(run=run).order_by().values_list("state", flat=True)
    return {state: list(rows).count(state) for state in set(rows)}


def sums_are_true(run):
    run.refresh_from_db()
    found = states(run)
    kept = {
        name: getattr(run, name) for name in ("accepted", "refused", "deferred", "unknown", "suppressed", "cancelled")
    }
    waiting = found.pop("pending", 0)
    return {name: count for name, count in kept.items() if count} == found and run.waiting == waiting


class TestPauseAndResume:
    def test_stop_and_go_on_without_touching_anybody(self):
        mailing, run = launched()
        put(run, State.ACCEPTED, 2)

        operations.pause(mailing.pk)
        paused = Mailing.objects.get(pk=mailing.pk)
        woken = operations.resume(mailing.pk)

        assert (paused.status, paused.pause_reason) == (Status.PAUSED, Mailing.PauseReason.BY_HAND)
        assert (woken, states(run)) == ([run.pk], {"accepted": 2, "pending": 4})
        assert sums_are_true(run)

    def test_wakes_by_itself_when_the_time_has_come(self):
        mailing, run = launched()
        operations.pause(mailing.pk, Mailing.PauseReason.CONNECTION, resume_after=timedelta(minutes=1))

        early = tick(timezone.now())
        late = tick(timezone.now() + timedelta(minutes=2))

        assert (early, late) == ([], [run.pk])

    def test_takes_nothing_that_is_finished(self):
        mailing, _run = launched()
        Mailing.objects.update(status=Status.COMPLETED)

        with pytest.raises(refusal.IsNotRunning):
            operations.pause(mailing.pk)
        with pytest.raises(refusal.IsNotPaused):
            operations.resume(mailing.pk)


class TestSwitchOff:
    def test_cancels_whoever_waits_and_says_who_when_and_why(self):
        mailing, run = launched()
        put(run, State.ACCEPTED)
        put(run, State.DEFERRED, next_try_at=timezone.now())
        manager = make_manager()

        count = operations.switch_off(mailing.pk, manager, "wrong prices")

        mailing.refresh_from_db()
        assert (count, states(run)) == (5, {"accepted": 1, "cancelled": 5})
        assert (mailing.status, mailing.switched_off_by, mailing.switched_off_reason) == (
            Status.SWITCHED_OFF,
            manager,
            "wrong prices",
        )
        assert sums_are_true(run)
        assert run.finished_at is not None

    def test_leaves_a_letter_on_its_way_to_be_answered(self):
        mailing, run = launched()
        hand_over(run)

        operations.switch_off(mailing.pk, mailing.owner)

        run.refresh_from_db()
        assert (states(run), run.finished_at) == ({"pending": 1, "cancelled": 5}, None)
        assert Delivery.objects.handed_over().filter(run=run).count() == 1

    def test_cuts_a_workers_claim_short_so_that_it_takes_nobody_more(self):
        mailing, run = launched()
        claim = hand_over(run, 2)

        operations.switch_off(mailing.pk, mailing.owner)

        claim.refresh_from_db()
        assert claim.last == claim.mark

    def test_cancels_in_time_who_comes_back_from_a_workers_hand(self):
        mailing, run = launched()
        claim = hand_over(run)
        operations.switch_off(mailing.pk, mailing.owner)
        claim.delete()

        tick(timezone.now())

        assert (states(run), sums_are_true(run)) == ({"cancelled": 6}, True)

    def test_is_final(self):
        mailing, _run = launched()
        operations.switch_off(mailing.pk, make_manager())

        for action in (operations.resume, operations.retry, operations.pause):
            with pytest.raises(operations.NotPossible):
                action(mailing.pk)
        with pytest.raises(refusal.IsSwitchedOff):
            operations.launch(mailing.pk, mailing.owner)
        assert tick(timezone.now()) == []


class TestWindowEnd:
    def test_cancels_whoever_waits_and_completes(self):
        mailing, run = launched()
        put(run, State.REFUSED, 2)

        tick(mailing.finish_send_at + timedelta(seconds=1))

        mailing.refresh_from_db()
        assert states(run) == {"refused": 2, "cancelled": 4}
        assert set(Delivery.objects.filter(state="cancelled").values_list("reason", flat=True)) == {Reason.WINDOW_ENDED}
        assert (mailing.status, sums_are_true(run)) == (Status.COMPLETED, True)

    @pytest.mark.parametrize("status", [Status.SCHEDULED, Status.PAUSED])
    def test_completes_what_never_started(self, status):
        anna = make_user()
        mailing = make_mailing(
            anna, [make_client(anna)], status=status, next_send_at=timezone.now() + timedelta(days=9)
        )

        assert tick(mailing.finish_send_at + timedelta(seconds=1)) == []

        mailing.refresh_from_db()
        assert (mailing.status, mailing.next_send_at) == (Status.COMPLETED, None)


class TestRecovery:
    def test_owns_up_to_what_a_lost_worker_may_have_handed_over(self):
        _mailing, run = launched()
        hand_over(run, 2, seconds=-1)

        woken = tick(timezone.now())

        assert states(run) == {"unknown": 2, "pending": 4}
        assert sums_are_true(run)
        assert list(Attempt.objects.values_list("outcome", "reason")) == [("unknown", Reason.WORKER_LOST)] * 2
        assert (woken, Claim.objects.count()) == ([run.pk], 0)

    def test_lets_a_living_worker_be(self):
        _mailing, run = launched()
        hand_over(run, 2)

        woken = tick(timezone.now())

        assert (states(run), woken, Claim.objects.count()) == ({"pending": 6}, [], 1)

    def test_never_sends_the_unknown_again_by_itself(self):
        _mailing, run = launched()
        put(run, State.UNKNOWN, 6)

        assert tick(timezone.now() + timedelta(hours=1)) == []
        assert states(run) == {"unknown": 6}

    def test_makes_the_deferred_pending_when_their_time_has_come(self):
        _mailing, run = launched()
        now = timezone.now()
        put(run, State.DEFERRED, 2, next_try_at=now + timedelta(minutes=5))

        tick(now)
        early = states(run)
        tick(now + timedelta(minutes=6))

        assert (early, states(run)) == ({"deferred": 2, "pending": 4}, {"pending": 6})
        assert sums_are_true(run)

    def test_never_completes_while_somebody_is_deferred(self):
        mailing, run = launched()
        put(run, State.ACCEPTED, 5)
        put(run, State.DEFERRED, 1, next_try_at=timezone.now() + timedelta(minutes=5))

        tick(timezone.now())

        mailing.refresh_from_db()
        assert mailing.status == Status.RUNNING


class TestRetry:
    def test_sends_again_to_the_refused_and_to_nobody_else(self):
        mailing, run = launched()
        put(run, State.ACCEPTED, 3)
        put(run, State.REFUSED, 2, tries=1)
        put(run, State.UNKNOWN, 1)
        tick(timezone.now())

        count = operations.retry(mailing.pk)

        mailing.refresh_from_db()
        assert (count, mailing.status) == (2, Status.RUNNING)
        assert states(run) == {"accepted": 3, "pending": 2, "unknown": 1}
        assert sums_are_true(run)
        assert tick(timezone.now()) == [run.pk]

    def test_sends_to_the_unknown_only_when_told_to(self):
        mailing, run = launched()
        put(run, State.UNKNOWN, 6)
        tick(timezone.now())

        operations.retry(mailing.pk, [State.UNKNOWN])

        assert states(run) == {"pending": 6}
        with pytest.raises(refusal.NothingToRetry):
            operations.retry(mailing.pk, [State.UNKNOWN])


class TestUnsubscribe:
    def test_suppresses_the_address_and_takes_it_out_of_what_waits(self):
        _mailing, run = launched()
        delivery = Delivery.objects.filter(run=run).first()

        operations.unsubscribe(delivery)
        operations.unsubscribe(delivery)

        assert Suppression.objects.values_list("owner", "address", "reason").get() == (
            run.owner_id,
            delivery.address,
            Suppression.Reason.UNSUBSCRIBED,
        )
        assert states(run) == {"suppressed": 1, "pending": 5}
        assert sums_are_true(run)

    def test_leaves_those_to_their_worker_whom_it_may_have_handed_over(self):
        _mailing, run = launched()
        first, *_others, last = Delivery.objects.filter(run=run).order_by("pk")
        hand_over(run)

        operations.unsubscribe(first)
        operations.unsubscribe(last)

        assert states(run) == {"pending": 6}
        assert sums_are_true(run)
        assert Suppression.objects.count() == 2
