"""Transfer: what belongs together goes together, nothing is left crossed, and nobody becomes mailable by it."""

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from mailings import operations
from mailings.models import (
    Attachment,
    Attempt,
    Client,
    Delivery,
    HourlyCounter,
    ImportJob,
    Level,
    Mailing,
    Run,
    Suppression,
)
from mailings.operations import share
from mailings.operations.transfer import IsUnderWay, NameIsTaken
from mailings.tests.admin.crawl import crossed
from mailings.tests.factories import make_client, make_list, make_mailing, make_message, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    return make_user("anna@staff.example")


@pytest.fixture
def boris():
    return make_user("boris@staff.example")


def make_sent(owner, mailing, client):
    """Give a mailing a finished run with all its records."""
    run = Run.objects.create(
        owner=owner, mailing=mailing, snapshot={}, trigger="by_hand", total=1, accepted=1, finished_at=timezone.now()
    )
    row = Delivery.objects.create(owner=owner, run=run, client=client, address=client.email, state="accepted")
    Attempt.objects.create(owner=owner, run=run, delivery=row, outcome="accepted")
    HourlyCounter.objects.create(owner=owner, mailing=mailing, hour=timezone.now(), accepted=1)
    return run


def owners(*models):
    return {model.__name__: set(model.objects.values_list("owner__email", flat=True)) for model in models}


class TestWhatBelongsTogether:
    def test_is_what_is_linked_however_far(self, boris):
        one, two, three = (make_client(boris) for _ in range(3))
        make_client(boris, "alone@x.example")
        first, second, third = make_list(boris, [one]), make_list(boris, [one, two]), make_list(boris, [three])
        apart = make_list(boris)
        message = make_message(boris)
        mailing = make_mailing(boris, [two], message=message)
        beside = make_mailing(boris, [three], message=message)
        beside.excluded_lists.add(third)

        bundle = operations.belonging_to([first])

        assert bundle.lists == {first.pk, second.pk, third.pk}
        assert bundle.mailings == {mailing.pk, beside.pk}
        assert bundle.messages == {message.pk}
        assert bundle.numbers == {"lists": 3, "clients": 3, "messages": 1, "mailings": 2, "runs": 0}
        assert apart.pk not in bundle.lists

    def test_ends_at_what_is_somebody_elses(self, anna, boris):
        theirs = make_list(anna, [make_client(anna)])
        mailing = make_mailing(boris, lists=[theirs], message=make_message(anna))

        bundle = operations.belonging_to([mailing])

        assert bundle.numbers == {"lists": 0, "clients": 0, "messages": 0, "mailings": 1, "runs": 0}
        assert operations.collisions(bundle, make_user()).borrowing == [mailing.title]


class TestATransfer:
    def test_takes_along_every_record(self, anna, boris):
        client = make_client(boris)
        named = make_list(boris, [client])
        message = make_message(boris)
        Attachment.objects.create(owner=boris, message=message, file=ContentFile(b"x", name="x.txt"))
        ImportJob.objects.create(owner=boris, file_name="a.csv", client_list=named)
        make_sent(boris, make_mailing(boris, lists=[named], message=message), client)

        operations.transfer(operations.belonging_to([named]), anna)

        everything = (Client, Mailing, Run, Delivery, Attempt, HourlyCounter, Attachment, ImportJob)
        assert owners(*everything) == {model.__name__: {anna.email} for model in everything}
        assert crossed() == set()

    def test_leaves_the_rest_to_the_former_owner(self, anna, boris):
        kept = make_mailing(boris, [make_client(boris)])
        given = make_list(boris, [make_client(boris)])

        operations.transfer(operations.belonging_to([given]), anna)

        kept.refresh_from_db()
        assert (kept.owner, kept.clients.get().owner, kept.message.owner) == (boris, boris, boris)
        assert crossed() == set()

    def test_puts_the_new_owners_client_in_the_place_of_one_with_the_same_address(self, anna, boris):
        hers, his = make_client(anna, "same@x.example", full_name="Hers"), make_client(boris, "same@x.example")
        other = make_client(boris, "other@x.example")
        named = make_list(boris, [his, other])
        mailing = make_mailing(boris, [his], [named], status="completed")
        run = make_sent(boris, mailing, his)
        bundle = operations.belonging_to([named])
        announced = operations.collisions(bundle, anna).addresses

        operations.transfer(bundle, anna)

        hers.refresh_from_db()
        assert announced == 1
        assert set(named.clients.all()) == {hers, other}
        assert (list(mailing.clients.all()), run.deliveries.get().client, hers.full_name) == ([hers], hers, "Hers")
        assert not Client.objects.filter(pk=his.pk).exists()
        assert crossed() == set()

    def test_makes_one_link_of_two_to_the_same_person(self, anna, boris):
        hers, his = make_client(anna, "same@x.example"), make_client(boris, "same@x.example")
        mailing = make_mailing(boris, [hers, his])

        operations.transfer(operations.belonging_to([mailing]), anna)

        assert list(mailing.clients.all()) == [hers]

    def test_keeps_everybody_unsubscribed(self, anna, boris):
        gone = make_client(boris)
        Suppression.objects.create(owner=boris, address=gone.email, reason="unsubscribed")
        Suppression.objects.create(owner=boris, address="another@x.example")
        named = make_list(boris, [gone])

        operations.transfer(operations.belonging_to([named]), anna)

        found = Suppression.objects.order_by("owner__email", "address").values_list("owner__email", "address", "reason")
        assert list(found) == [
            (anna.email, gone.email, "unsubscribed"),
            (boris.email, "another@x.example", "by_hand"),
            (boris.email, gone.email, "unsubscribed"),
        ]
        with pytest.raises(operations.NoRecipients):
            operations.launch(make_mailing(anna, lists=[named]).pk, anna)

    def test_keeps_what_is_shared_with_others_and_drops_what_was_shared_with_the_new_owner(self, anna, boris):
        message, colleague = make_message(boris), make_user("colleague@staff.example")
        for person in (anna, colleague):
            share.share_with_address(message, person.email, Level.USE)

        operations.transfer(operations.belonging_to([message]), anna)

        message.refresh_from_db()
        assert [each.name for each in share.shares_of(message)] == [colleague.email]
        assert not boris.has_perm("mailings.view_message", message)

    def test_pauses_what_uses_things_that_are_not_shared_with_the_new_owner(self, anna, boris):
        third = make_user()
        theirs = make_list(third, [make_client(third)])
        share.share_with_address(theirs, boris.email, Level.USE)
        mailing = make_mailing(boris, lists=[theirs], status=Mailing.Status.SCHEDULED)

        operations.transfer(operations.belonging_to([mailing]), anna)

        mailing.refresh_from_db()
        assert (mailing.owner, mailing.pause_reason) == (anna, Mailing.PauseReason.NOT_SHARED)

    def test_is_refused_while_letters_are_still_to_leave(self, anna, boris):
        mailing = make_mailing(boris, [make_client(boris)])
        operations.launch(mailing.pk, boris)
        bundle = operations.belonging_to([mailing])

        with pytest.raises(IsUnderWay):
            operations.transfer(bundle, anna)

        mailing.refresh_from_db()
        assert mailing.owner == boris

    def test_is_refused_while_somebody_on_the_list_still_gets_another_mailing(self, anna, boris):
        """He was on its list when it was launched, and is on this one now."""
        client = make_client(boris)
        before = make_list(boris, [client])
        operations.launch(make_mailing(boris, lists=[before]).pk, boris)
        before.clients.clear()

        with pytest.raises(IsUnderWay):
            operations.transfer(operations.belonging_to([make_list(boris, [client])]), anna)

    def test_is_refused_where_the_new_owner_has_a_list_of_that_name(self, anna, boris):
        make_list(anna, name="Shop")
        bundle = operations.belonging_to([make_list(boris, [make_client(boris)], name="Shop")])

        with pytest.raises(NameIsTaken):
            operations.transfer(bundle, anna)

        assert operations.collisions(bundle, anna).names == ["Shop"]
        assert owners(Client) == {"Client": {boris.email}}
