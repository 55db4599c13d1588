from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from guardian.shortcuts import assign_perm

from mailings import operations
from mailings.models import Delivery, Mailing, Rhythm, Run, Suppression
from mailings.operations.launch import discover
from mailings.operations.refusal import (
    AlreadyLaunched,
    IsSwitchedOff,
    NoRecipients,
    NotShared,
    OwnerIsBlocked,
    WindowEnded,
)
from mailings.tests.factories import make_client, make_list, make_mailing, make_message, make_user

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def addresses(run):
    return sorted(Delivery.objects.filter(run=run).values_list("address", flat=True))


def refused(mailing, by):
    with pytest.raises(operations.NotPossible) as caught:
        operations.launch(mailing.pk, by)
    return caught.type


class TestLaunch:
    def test_fixes_each_recipient_once(self):
        anna = make_user()
        one, two, three = (
            make_client(anna, "1@x.example"),
            make_client(anna, "2@x.example"),
            make_client(anna, "3@x.example"),
        )
        make_client(anna, "4@x.example")
        mailing = make_mailing(anna, clients=[one, three], lists=[make_list(anna, [one, two])])

        run = operations.launch(mailing.pk, anna)

        assert addresses(run) == ["1@x.example", "2@x.example", "3@x.example"]
        assert (run.total, run.waiting, run.launched_by) == (3, 3, anna)

    def test_leaves_out_the_suppressed_and_the_excluded(self):
        anna, boris = make_user(), make_user()
        clients = [make_client(anna, f"{n}@x.example") for n in range(5)]
        Suppression.objects.create(owner=anna, address="0@x.example")
        Suppression.objects.create(owner=None, address="1@x.example")
        Suppression.objects.create(owner=boris, address="2@x.example")
        mailing = make_mailing(anna, lists=[make_list(anna, clients)])
        mailing.excluded_lists.add(make_list(anna, clients[3:4]))

        audience = operations.audience(mailing)
        run = operations.launch(mailing.pk, anna)

        assert addresses(run) == ["2@x.example", "4@x.example"]
        assert (audience.chosen, audience.suppressed, audience.excluded, audience.recipients) == (5, 2, 1, 2)

    def test_mails_one_letter_to_an_address_of_two_owners(self):
        anna, boris = make_user(), make_user()
        theirs = make_list(boris, [make_client(boris, "same@x.example")])
        assign_perm("use_clientlist", anna, theirs)
        mailing = make_mailing(anna, clients=[make_client(anna, "same@x.example")], lists=[theirs])

        audience = operations.audience(mailing)
        run = operations.launch(mailing.pk, anna)

        assert addresses(run) == ["same@x.example"]
        assert (audience.repeated, audience.recipients) == (1, 1)

    def test_is_refused_where_a_list_is_not_shared_any_more(self):
        """It would go to fewer than it says: that is for a person to know, not to find out."""
        anna, boris = make_user(), make_user()
        theirs = make_list(boris, [make_client(boris)])
        mailing = make_mailing(anna, clients=[make_client(anna)], lists=[theirs])

        assert refused(mailing, anna) is NotShared
        assert not Run.objects.exists()

    def test_keeps_the_message_as_it_was(self):
        anna = make_user()
        mailing = make_mailing(anna, [make_client(anna)], message=make_message(anna, subject="Before"))
        run = operations.launch(mailing.pk, anna)

        mailing.message.subject = "After"
        mailing.message.save()

        run.refresh_from_db()
        assert run.snapshot["subject"] == "Before"

    def test_schedules_where_the_window_has_not_begun(self):
        anna = make_user()
        first = timezone.now() + HOUR
        mailing = make_mailing(anna, [make_client(anna)], first_send_at=first)

        run = operations.launch(mailing.pk, anna)

        mailing.refresh_from_db()
        assert (run, mailing.status, mailing.next_send_at) == (None, Mailing.Status.SCHEDULED, first)
        assert not Run.objects.exists()

    def test_gives_every_delivery_its_own_message_id(self):
        anna = make_user()
        mailing = make_mailing(anna, [make_client(anna) for _ in range(3)])

        run = operations.launch(mailing.pk, anna)

        assert len(set(Delivery.objects.filter(run=run).values_list("message_id", flat=True))) == 3

    def test_is_refused_without_recipients(self):
        anna = make_user()
        client = make_client(anna)
        Suppression.objects.create(owner=anna, address=client.email)

        assert refused(make_mailing(anna), anna) is NoRecipients
        assert refused(make_mailing(anna, [client]), anna) is NoRecipients

    def test_is_refused_in_the_wrong_state(self):
        anna, blocked = make_user(), make_user()
        client = make_client(anna)
        past = timezone.now() - 2 * HOUR
        over = make_mailing(anna, [client], first_send_at=past, finish_send_at=past + HOUR)
        off = make_mailing(anna, [client], status=Mailing.Status.SWITCHED_OFF)
        running = make_mailing(anna, [client], status=Mailing.Status.RUNNING)
        theirs = make_mailing(blocked, [make_client(blocked)])
        type(blocked).objects.filter(pk=blocked.pk).update(is_active=False, blocked_at=past)

        causes = [refused(mailing, anna) for mailing in (over, off, running, theirs)]

        assert causes == [WindowEnded, IsSwitchedOff, AlreadyLaunched, OwnerIsBlocked]
        assert not Run.objects.exists()

    def test_twice_makes_one_run(self):
        anna = make_user()
        mailing = make_mailing(anna, [make_client(anna)])
        operations.launch(mailing.pk, anna)

        assert refused(mailing, anna) is AlreadyLaunched
        assert Run.objects.count() == 1


def finish(run):
    """Let a run end as if every letter had been accepted."""
    Delivery.objects.filter(run=run).update(state=Delivery.State.ACCEPTED)
    Run.objects.filter(pk=run.pk).update(accepted=run.total)
    operations.finish_if_done(run.pk, timezone.now())


class TestDiscover:
    def make_daily(self, owner, **fields):
        first = datetime(2026, 11, 23, 6, tzinfo=UTC)
        return make_mailing(
            owner,
            [make_client(owner)],
            first_send_at=first,
            finish_send_at=first + timedelta(days=3),
            next_send_at=first,
            rhythm=Rhythm.DAILY,
            status=Mailing.Status.SCHEDULED,
            **fields,
        )

    def test_starts_nothing_before_its_time(self):
        mailing = self.make_daily(make_user())

        assert discover(mailing.first_send_at - timedelta(seconds=1)) == []

    def test_starts_one_run_however_often_it_looks(self):
        mailing = self.make_daily(make_user())
        now = mailing.first_send_at + timedelta(seconds=30)

        runs = [run for _ in range(3) for run in discover(now)]

        assert [(run.trigger, run.scheduled_for) for run in runs] == [(Run.Trigger.SCHEDULED, mailing.first_send_at)]

    def test_makes_no_second_run_for_the_same_time_even_if_told_to(self):
        mailing = self.make_daily(make_user())
        now = mailing.first_send_at
        [run] = discover(now)
        finish(run)
        Mailing.objects.update(status=Mailing.Status.SCHEDULED, next_send_at=now)

        assert discover(now + HOUR) == []
        assert Run.objects.count() == 1

    def test_sends_once_a_day_inside_the_window(self):
        mailing = self.make_daily(make_user())
        days = []

        for hours in range(0, 24 * 5, 3):
            now = mailing.first_send_at + timedelta(hours=hours, minutes=1)
            for run in operations.tick(now):
                days.append(Run.objects.get(pk=run).scheduled_for.day)
                finish(Run.objects.get(pk=run))

        mailing.refresh_from_db()
        assert days == [23, 24, 25]
        assert mailing.status == Mailing.Status.COMPLETED

    def test_makes_one_run_after_days_without_a_worker(self):
        mailing = self.make_daily(make_user())

        [run] = discover(mailing.first_send_at + timedelta(days=2, hours=1))

        mailing.refresh_from_db()
        assert run.scheduled_for == mailing.first_send_at + timedelta(days=2)
        assert mailing.next_send_at is None

    def test_leaves_the_mailings_of_the_blocked_alone(self):
        mailing = self.make_daily(make_user())
        type(mailing.owner).objects.update(is_active=False, blocked_at=timezone.now())

        assert discover(mailing.first_send_at + HOUR) == []

    def test_ends_a_run_without_recipients_at_once(self):
        mailing = self.make_daily(make_user())
        mailing.clients.clear()

        [run] = discover(mailing.first_send_at)

        run.refresh_from_db()
        mailing.refresh_from_db()
        assert (run.total, run.finished_at) == (0, mailing.first_send_at)
        assert mailing.status == Mailing.Status.SCHEDULED
