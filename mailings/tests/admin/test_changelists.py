"""Lists: as dear with thirty rows as with one, filtered by what they offer and by nothing else."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts.admin.base import filter_name
from mailings.models import Attempt, Delivery, ImportJob, Mailing, Run, Suppression
from mailings.tests.factories import (
    make_client,
    make_list,
    make_mailing,
    make_manager,
    make_message,
    make_superuser,
    make_user,
)

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
MODELS = ("client", "clientlist", "message", "mailing", "run", "delivery", "attempt", "importjob", "suppression")


def page_of(name, app="mailings"):
    return reverse(f"admin:{app}_{name}_changelist")


def make_rows(owner, count):
    """Make so many rows of every model, each related row one of its own."""
    people = [make_client(owner, full_name="Ivan") for _ in range(count)]
    kind = ContentType.objects.get_for_model(Mailing)
    for person in people:
        named = make_list(owner, [person])
        mailing = make_mailing(owner, lists=[named], status="completed", message=make_message(owner))
        run = Run.objects.create(
            owner=owner, mailing=mailing, snapshot={}, launched_by=owner, total=1, refused=1, finished_at=timezone.now()
        )
        delivery = Delivery.objects.create(owner=owner, run=run, client=person, address=person.email, state="refused")
        Attempt.objects.create(owner=owner, run=run, delivery=delivery, outcome="refused", code=550, answer="no")
        ImportJob.objects.create(owner=owner, file_name="a.csv", client_list=named)
        Suppression.objects.create(owner=owner, address=person.email)
        LogEntry.objects.create(
            user=owner, content_type=kind, object_id=mailing.pk, object_repr="x", action_flag=2, change_message="x"
        )


def share_everything(owner, person):
    for mailing in Mailing.objects.owned_by(owner):
        assign_perm("view_mailing", person, mailing)
        assign_perm("view_message", person, mailing.message)
        for each in mailing.lists.all():
            assign_perm("view_clientlist", person, each)


def cost(client, page):
    """Count the queries of a page, and the rows on it."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(page)
    return len(queries), response.context["cl"].result_count


class TestEveryList:
    @pytest.mark.parametrize("who", ["owner", "manager", "with shares"])
    def test_costs_the_same_with_one_row_and_with_thirty(self, client, who):
        owner = make_user()
        person = {"owner": owner, "manager": make_manager(), "with shares": make_user()}[who]
        pages = [page_of(name) for name in MODELS] + [page_of("journalentry", "accounts")] * (who != "with shares")
        if who == "with shares":
            pages.remove(page_of("importjob"))
            pages.remove(page_of("suppression"))
        client.force_login(person, backend=BACKEND)

        for page in pages:
            # Content types and the like are asked for once in the life of a process.
            client.get(page)
        costs = []
        for count in (1, 29):
            make_rows(owner, count)
            if person != owner:
                share_everything(owner, person)
            costs.append({page: cost(client, page) for page in pages})

        few, many = costs
        assert {page: count for page, (_queries, count) in many.items()} == dict.fromkeys(pages, 30)
        assert {page: queries for page, (queries, _count) in many.items()} == {
            page: queries for page, (queries, _count) in few.items()
        }

    def test_of_people_costs_the_same_too(self, client):
        client.force_login(make_manager(), backend=BACKEND)
        page = page_of("user", "accounts")
        client.get(page)

        few, _count = cost(client, page)
        for _ in range(29):
            make_user()
        many, count = cost(client, page)

        assert (many, count) == (few, 30)

    @pytest.mark.parametrize("make_person", [make_user, make_superuser])
    def test_answers_for_the_columns_it_offers_and_for_no_other(self, client, make_person, quiet):
        """Django answers for any column, and so tells a hidden one letter by letter."""
        person = make_person()
        client.force_login(person, backend=BACKEND)
        offered = {"id"} | ({"owner"} if person.has_perm("mailings.view_all_client") else set())

        answered = set()
        for model, model_admin in admin.site._registry.items():
            page = page_of(model._meta.model_name, model._meta.app_label)
            hidden = {field.name for field in model._meta.concrete_fields}
            hidden -= offered | {filter_name(each) for each in model_admin.list_filter} | {model_admin.date_hierarchy}
            lookups = [
                *(f"{name}__startswith" for name in hidden),
                "owner__password__startswith",
                "user__password__startswith",
                "clients__comment",
            ]
            answers = {lookup: client.get(page, {lookup: "1"}).status_code for lookup in lookups}
            answered |= {(page, lookup) for lookup, status in answers.items() if status not in {400, 403}}

        assert answered == set()


class TestTheFilters:
    def test_offer_a_user_his_own_rows_only(self, client):
        ann, boris = make_user(), make_user()
        make_list(ann, name="Mine")
        make_list(boris, name="Not mine")
        client.force_login(ann, backend=BACKEND)

        page = client.get(page_of("client")).content.decode()

        assert ("Mine" in page, "Not mine" in page) == (True, False)

    def test_tell_owners_apart_for_a_manager_only(self, client):
        ann, boris, manager = make_user("ann@staff.example"), make_user("boris@staff.example"), make_manager()
        make_client(ann, "a@client.example")
        make_client(boris, "b@client.example")

        shown = {}
        for person in (manager, ann):
            client.force_login(person, backend=BACKEND)
            page = client.get(page_of("client"), {"owner": boris.pk}, follow=True).content.decode()
            shown[person] = [word in page for word in ("a@client.example", "b@client.example", "boris@staff.example")]

        assert shown[manager] == [False, True, True]
        assert shown[ann][1:] == [False, False]

    def test_find_the_clients_of_a_list(self, client):
        ann = make_user()
        inside, outside = make_client(ann), make_client(ann)
        named = make_list(ann, [inside])
        client.force_login(ann, backend=BACKEND)

        page = client.get(page_of("client"), {"lists__id__exact": named.pk}).content.decode()

        assert (inside.email in page, outside.email in page) == (True, False)


class TestTheSearch:
    @pytest.mark.parametrize("term", ["IVAN", "ivan@client", "Петр"])
    def test_finds_ones_own_clients_by_address_and_name(self, client, term):
        ann = make_user()
        found = make_client(ann, "ivan@client.example", full_name="Петров")
        make_client(ann, "olga@client.example")
        make_client(make_user(), "ivan@client.example", full_name="Петров")
        client.force_login(ann, backend=BACKEND)

        response = client.get(page_of("client"), {"q": term})

        assert list(response.context["cl"].result_list) == [found]
