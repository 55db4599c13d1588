"""Ownership, sharing and “sees all”: the set and the single object must give the same answer."""

import pytest
from django.contrib.auth.models import Group
from guardian.shortcuts import assign_perm

from accounts.tests.factories import make_manager, make_superuser, make_user
from mailings.models import Client, ClientList, Mailing, Message, Run
from mailings.tests.factories import make_client, make_list, make_mailing, make_message

pytestmark = pytest.mark.django_db


def seen(model, user):
    return set(model.objects.visible_to(user).values_list("pk", flat=True))


class TestVisibleTo:
    def test_shows_an_owner_his_own_only(self):
        anna, boris = make_user(), make_user()
        own = make_client(anna)
        make_client(boris)

        assert seen(Client, anna) == {own.pk}

    def test_shows_a_manager_everything(self):
        rows = {make_client(make_user()).pk, make_client(make_user()).pk}

        assert seen(Client, make_manager()) == rows

    def test_shows_nothing_to_a_blocked_owner(self):
        anna = make_user()
        make_client(anna)
        anna.is_active = False

        assert seen(Client, anna) == set()

    def test_shows_nothing_to_somebody_without_a_role(self):
        stranger = make_user(role=None)
        make_client(stranger)

        assert seen(Client, stranger) == set()

    def test_shows_what_is_granted_to_a_group(self):
        anna, boris = make_user(), make_user()
        message = make_message(anna)
        team = Group.objects.create(name="team")
        boris.groups.add(team)

        assign_perm("view_message", team, message)

        assert seen(Message, boris) == {message.pk}

    def test_shows_the_clients_of_a_shared_list_once(self):
        anna, boris = make_user(), make_user()
        client = make_client(anna)
        make_client(anna)
        first, second = make_list(anna, [client]), make_list(anna, [client])

        for shared in (first, second):
            assign_perm("view_clientlist", boris, shared)

        assert list(Client.objects.visible_to(boris)) == [client]


class TestUsableBy:
    def test_needs_more_than_a_grant_to_view(self):
        anna, boris = make_user(), make_user()
        viewed, used = make_message(anna), make_message(anna)

        assign_perm("view_message", boris, viewed)
        assign_perm("use_message", boris, used)

        assert set(Message.objects.usable_by(boris)) == {used}


def make_world():
    """Two owners, a share of each kind, a run, and everybody who might look."""
    anna, boris = make_user(), make_user()
    client = make_client(anna)
    shared_list = make_list(anna, [client])
    mailing = make_mailing(anna, lists=[shared_list])
    other = make_mailing(boris, [make_client(boris)])
    for row in (mailing, other):
        Run.objects.create(owner=row.owner, mailing=row, snapshot={}, trigger=Run.Trigger.BY_HAND)
    assign_perm("view_clientlist", boris, shared_list)
    assign_perm("view_mailing", boris, mailing)
    assign_perm("change_mailing", boris, mailing)
    return [anna, boris, make_user(), make_user(role=None), make_manager(), make_superuser()]


class TestTheSetAndTheObject:
    @pytest.mark.parametrize("model", [Client, ClientList, Message, Mailing, Run])
    def test_give_the_same_answer_for_everybody(self, model):
        people = make_world()

        for user in people:
            by_object = {
                row.pk for row in model.objects.all() if user.has_perm(f"mailings.view_{model.__name__.lower()}", row)
            }
            assert seen(model, user) == by_object, user

    def test_agree_after_a_block(self):
        people = make_world()

        for user in people:
            user.is_active = False
            assert seen(Mailing, user) == set()
            assert not any(user.has_perm("mailings.view_mailing", row) for row in Mailing.objects.all())


class TestOwnership:
    def test_never_gives_a_manager_the_right_to_change(self):
        client = make_client(make_user())
        manager = make_manager()

        rights = {
            action: manager.has_perm(f"mailings.{action}_client", client) for action in ("view", "change", "delete")
        }

        assert rights == {"view": True, "change": False, "delete": False}

    def test_costs_no_query_for_ones_own_row(self, django_assert_num_queries):
        anna = make_user()
        client = make_client(anna)
        anna.get_all_permissions()

        with django_assert_num_queries(0):
            assert anna.has_perm("mailings.change_client", client)

    def test_stays_silent_about_permissions_on_other_models(self):
        anna = make_user()

        assert not anna.has_perm("accounts.block_user", make_mailing(anna))
