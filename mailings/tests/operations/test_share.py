"""Sharing: who has what, from when to when, and what a mailing does that used what is taken back."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts import blocking
from accounts.models import User
from mailings import operations
from mailings.models import Client, ClientList, ClientListAwaitedGrant, Delivery, Level, Mailing, Suppression
from mailings.operations import share
from mailings.operations.launch import discover
from mailings.operations.refusal import NotShared
from mailings.operations.share import Share
from mailings.tests.factories import make_client, make_list, make_mailing, make_manager, make_message, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    return make_user("anna@staff.example")


@pytest.fixture
def boris():
    return make_user("boris@staff.example")


@pytest.fixture
def theirs(boris):
    """A list of Boris's with two clients."""
    return make_list(boris, [make_client(boris, "1@x.example"), make_client(boris, "2@x.example")])


def rights(user, obj):
    name = obj._meta.model_name
    return [level.value for level in Level.of(type(obj)) if user.has_perm(f"mailings.{level}_{name}", obj)]


class TestSharing:
    @pytest.mark.parametrize(
        ("level", "expected"),
        [(Level.VIEW, ["view"]), (Level.USE, ["view", "use"]), (Level.CHANGE, ["view", "use", "change"])],
    )
    def test_gives_a_level_with_those_before_it(self, anna, theirs, level, expected):
        share.share_with_address(theirs, anna.email, level)

        assert rights(anna, theirs) == expected
        assert not anna.has_perm("mailings.delete_clientlist", theirs)

    def test_replaces_what_there_was(self, anna, theirs):
        share.share_with_address(theirs, anna.email, Level.CHANGE)
        share.share_with_address(theirs, anna.email, Level.VIEW)

        assert rights(anna, theirs) == ["view"]
        assert share.shares_of(theirs) == [Share(anna.email, Level.VIEW)]

    def test_reaches_everybody_in_a_group_and_nobody_else(self, anna, theirs):
        team = Group.objects.create(name="team")
        anna.groups.add(team)
        outsider = make_user()

        share.share_with_group(theirs, team, Level.USE)

        assert (rights(anna, theirs), rights(outsider, theirs)) == (["view", "use"], [])
        assert set(ClientList.objects.usable_by(anna)) == {theirs}

    def test_shows_the_clients_of_a_list_and_lets_nobody_change_them(self, anna, theirs):
        share.share_with_address(theirs, anna.email, Level.CHANGE)

        client = theirs.clients.first()
        assert set(Client.objects.visible_to(anna)) == set(theirs.clients.all())
        assert [anna.has_perm(f"mailings.{action}_client", client) for action in ("view", "change", "delete")] == [
            True,
            False,
            False,
        ]

    def test_is_refused_to_the_role_that_sees_all_anyway(self, theirs):
        with pytest.raises(share.SeesAllAnyway):
            share.share_with_group(theirs, Group.objects.get(name="Manager"), Level.VIEW)

    def test_is_refused_to_the_owner(self, boris, theirs):
        with pytest.raises(share.IsTheOwner):
            share.share_with_address(theirs, boris.email, Level.VIEW)

    def test_has_an_end_of_patience(self, theirs, monkeypatch):
        monkeypatch.setattr(share, "SHARES_LIMIT", 2)
        for name in ("a", "b"):
            share.share_with_address(theirs, f"{name}@staff.example", Level.VIEW)

        with pytest.raises(share.TooManyShares):
            share.share_with_address(theirs, "c@staff.example", Level.VIEW)
        share.share_with_address(theirs, "b@staff.example", Level.USE)

        assert share.shares_of(theirs) == [Share("a@staff.example", Level.VIEW), Share("b@staff.example", Level.USE)]


class TestAnAddressAtWhichNobodyWorks:
    def test_is_listed_like_any_other(self, anna, theirs):
        for address in ("nobody@staff.example", anna.email):
            share.share_with_address(theirs, address, Level.USE)

        assert share.shares_of(theirs) == [Share(anna.email, Level.USE), Share("nobody@staff.example", Level.USE)]

    def test_gets_it_when_somebody_comes(self, theirs):
        share.share_with_address(theirs, "new@staff.example", Level.USE)

        new = make_user("new@staff.example")

        assert rights(new, theirs) == ["view", "use"]
        assert share.shares_of(theirs) == [Share(new.email, Level.USE)]
        assert not ClientListAwaitedGrant.objects.exists()

    def test_gets_it_when_somebody_moves_to_it(self, anna, theirs):
        share.share_with_address(theirs, "other@staff.example", Level.VIEW)

        anna.email = "other@staff.example"
        anna.save()

        assert rights(anna, theirs) == ["view"]

    def test_gets_it_a_minute_later_when_both_happened_at_once(self, anna, theirs):
        ClientListAwaitedGrant.objects.create(content_object=theirs, address=anna.email, level=Level.VIEW)

        operations.tick(timezone.now())

        assert rights(anna, theirs) == ["view"]

    def test_loses_it_like_any_other(self, theirs):
        share.share_with_address(theirs, "new@staff.example", Level.USE)
        share.withdraw_from_address(theirs, "new@staff.example")

        assert (share.shares_of(theirs), rights(make_user("new@staff.example"), theirs)) == ([], [])

    def test_may_be_that_of_somebody_blocked_who_comes_back(self, anna, theirs):
        manager = make_manager()
        blocking.block(anna.pk, manager, "left")
        share.share_with_address(theirs, anna.email, Level.VIEW)
        before = rights(User.objects.get(pk=anna.pk), theirs)

        blocking.unblock(anna.pk, manager)

        assert (before, rights(User.objects.get(pk=anna.pk), theirs)) == ([], ["view"])


class TestAShareEnds:
    def test_at_once_when_it_is_taken_back(self, anna, theirs):
        share.share_with_address(theirs, anna.email, Level.CHANGE)
        share.withdraw_from_address(theirs, anna.email)

        assert (rights(anna, theirs), set(Client.objects.visible_to(anna))) == ([], set())

    def test_with_the_object(self, anna, theirs):
        share.share_with_address(theirs, anna.email, Level.CHANGE)
        share.share_with_address(theirs, "nobody@staff.example", Level.CHANGE)
        theirs.delete()

        assert not ClientListAwaitedGrant.objects.exists()
        assert set(ClientList.objects.visible_to(anna)) == set()

    def test_for_good_with_the_block_of_its_holder(self, anna, theirs):
        manager = make_manager()
        share.share_with_address(theirs, anna.email, Level.VIEW)

        line = blocking.block(anna.pk, manager, "left")
        blocking.unblock(anna.pk, manager)

        back = User.objects.get(pk=anna.pk)
        assert (line.values["shares"], rights(back, theirs), share.shares_of(theirs)) == (1, [], [])

    def test_with_the_role_that_lets_people_use_such_things(self, anna, theirs):
        share.share_with_address(theirs, anna.email, Level.USE)
        anna.groups.clear()
        anna = User.objects.get(pk=anna.pk)

        assert (rights(anna, theirs), set(ClientList.objects.usable_by(anna))) == ([], set())


class TestAMailing:
    @pytest.fixture
    def mailing(self, anna, boris, theirs):
        """A mailing of Anna's that uses a message and a list of Boris's."""
        message = make_message(boris)
        for obj in (message, theirs):
            share.share_with_address(obj, anna.email, Level.USE)
        return make_mailing(anna, lists=[theirs], message=message)

    def take_back(self, mailing, what):
        obj = mailing.message if what == "message" else mailing.lists.get()
        share.withdraw_from_address(obj, mailing.owner.email)

    def test_goes_to_the_clients_of_a_shared_list(self, anna, mailing):
        run = operations.launch(mailing.pk, anna)

        assert set(Delivery.objects.values_list("address", "owner")) == {
            ("1@x.example", anna.pk),
            ("2@x.example", anna.pk),
        }
        assert run.snapshot["subject"] == mailing.message.subject

    def test_keeps_to_the_suppressions_of_both_owners(self, anna, boris, mailing):
        Suppression.objects.create(owner=boris, address="1@x.example")
        Suppression.objects.create(owner=anna, address="2@x.example")

        with pytest.raises(operations.NoRecipients):
            operations.launch(mailing.pk, anna)

    @pytest.mark.parametrize("what", ["message", "list"])
    def test_is_not_launched_once_that_is_taken_back(self, anna, mailing, what):
        self.take_back(mailing, what)

        with pytest.raises(NotShared):
            operations.launch(mailing.pk, anna)

    @pytest.mark.parametrize("what", ["message", "list"])
    @pytest.mark.parametrize("starts_in", [timedelta(hours=1), timedelta(0)])
    def test_pauses_with_a_reason_the_moment_that_is_taken_back(self, anna, mailing, what, starts_in):
        Mailing.objects.filter(pk=mailing.pk).update(first_send_at=timezone.now() + starts_in)
        operations.launch(mailing.pk, anna)

        self.take_back(mailing, what)

        mailing.refresh_from_db()
        assert (mailing.status, mailing.pause_reason) == ("paused", Mailing.PauseReason.NOT_SHARED)
        with pytest.raises(NotShared):
            operations.resume(mailing.pk)

    def test_goes_on_when_it_is_shared_again(self, anna, mailing, theirs):
        operations.launch(mailing.pk, anna)
        self.take_back(mailing, "list")
        share.share_with_address(theirs, anna.email, Level.USE)

        assert len(operations.resume(mailing.pk)) == 1

    def test_is_not_sent_again_to_the_failed_either(self, anna, mailing):
        run = operations.launch(mailing.pk, anna)
        run.deliveries.update(state="refused")
        self.take_back(mailing, "list")

        with pytest.raises(NotShared):
            operations.retry(mailing.pk)

    def test_pauses_when_less_is_shared_than_it_needs(self, anna, mailing, theirs):
        operations.launch(mailing.pk, anna)

        share.share_with_address(theirs, anna.email, Level.VIEW)

        mailing.refresh_from_db()
        assert mailing.pause_reason == Mailing.PauseReason.NOT_SHARED

    def test_pauses_when_its_owner_leaves_the_group_it_was_shared_with(self, anna, boris):
        team = Group.objects.create(name="team")
        anna.groups.add(team)
        named = make_list(boris, [make_client(boris)])
        share.share_with_group(named, team, Level.USE)
        mailing = make_mailing(anna, lists=[named], status=Mailing.Status.SCHEDULED, next_send_at=timezone.now())

        anna.groups.remove(team)
        operations.tick(timezone.now())

        mailing.refresh_from_db()
        assert (mailing.pause_reason, Delivery.objects.count()) == (Mailing.PauseReason.NOT_SHARED, 0)

    def test_is_not_begun_by_the_schedule_without_what_it_uses(self, anna, mailing):
        Mailing.objects.filter(pk=mailing.pk).update(status="scheduled", next_send_at=timezone.now())
        mailing.message.messageusergrant_set.all().delete()

        assert discover(timezone.now()) == []

        mailing.refresh_from_db()
        assert (mailing.status, mailing.pause_reason) == ("paused", Mailing.PauseReason.NOT_SHARED)

    def test_leaves_alone_what_others_send(self, anna, boris, mailing, theirs):
        own = make_mailing(boris, lists=[theirs])
        operations.launch(own.pk, boris)

        self.take_back(mailing, "list")

        own.refresh_from_db()
        assert own.status == "running"

    @pytest.mark.parametrize("link", ["lists", "excluded_lists"])
    def test_pauses_before_a_list_of_it_is_deleted(self, anna, boris, link):
        named = make_list(boris, [make_client(boris)])
        assign_perm("use_clientlist", anna, named)
        mailing = make_mailing(anna, [make_client(anna)], status=Mailing.Status.SCHEDULED)
        getattr(mailing, link).add(named)

        operations.pause_mailings_of_lists([named.pk])

        mailing.refresh_from_db()
        assert (mailing.status, mailing.pause_reason) == ("paused", Mailing.PauseReason.LIST_DELETED)

    def test_leaves_out_an_excluded_list_that_is_no_longer_shared(self, anna, boris, theirs):
        """Whoever must not get it must not get it because somebody took a share back either."""
        kept = make_client(anna, "kept@x.example")
        own = make_list(anna, [kept])
        mailing = make_mailing(anna, lists=[own])
        mailing.excluded_lists.add(make_list(boris, [kept]))

        with pytest.raises(operations.NoRecipients):
            operations.launch(mailing.pk, anna)


class TestABlock:
    def test_switches_the_mailings_off_if_that_is_asked_for(self, anna):
        manager = make_manager()
        waiting = make_mailing(anna, status=Mailing.Status.SCHEDULED)
        paused = make_mailing(anna, status=Mailing.Status.PAUSED)
        fresh = make_mailing(anna)

        line = blocking.block(anna.pk, manager, "fraud", switches_off=True)

        for mailing in (waiting, paused, fresh):
            mailing.refresh_from_db()
        assert [mailing.status for mailing in (waiting, paused, fresh)] == ["switched_off", "switched_off", "created"]
        assert (waiting.switched_off_by, waiting.switched_off_reason) == (manager, "fraud")
        assert line.values == {"reason": "fraud", "paused": 0, "switched_off": 2, "shares": 0}

    def test_says_beforehand_what_it_stops(self, anna, boris):
        make_mailing(anna, status=Mailing.Status.RUNNING)
        make_mailing(anna, status=Mailing.Status.COMPLETED)
        share.share_with_address(make_message(boris), anna.email, Level.CHANGE)

        assert [sentence.rpartition(" ")[2] for sentence in blocking.consequences(anna)] == ["1.", "1."]

    def test_is_refused_without_a_trace(self, boris):
        manager = make_manager()
        mailing = make_mailing(manager, status=Mailing.Status.SCHEDULED)

        with pytest.raises(blocking.CannotBlock):
            blocking.block(manager.pk, manager, "no", switches_off=True)

        mailing.refresh_from_db()
        assert mailing.status == "scheduled"
