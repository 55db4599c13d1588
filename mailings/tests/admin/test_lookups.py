"""A list answers for the columns it offers, in the ways it offers them, and for nothing else that one may type."""

import pytest
from django.contrib import admin
from django.db.models import ForeignKey

from accounts.models import JournalEntry, User
from accounts.tests.factories import PASSWORD
from mailings.models import Client
from mailings.tests.factories import make_client, make_manager, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]

BACKEND = "django.contrib.auth.backends.ModelBackend"


def page(model):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def lookups(model):
    """Name every column of a model, and every column of what it points to, in ways that would tell a secret."""
    for field in model._meta.get_fields():
        name = getattr(field, "name", "")
        yield from (f"{name}__startswith", f"{name}__regex", f"{name}__gt", f"{name}__contains")
        if isinstance(field, ForeignKey):
            yield from (f"{name}__{column.name}__startswith" for column in field.related_model._meta.concrete_fields)


class TestEveryList:
    @pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model.__name__)
    def test_answers_for_no_column_by_a_pattern(self, client, model):
        """A superuser may see all of it, and yet a list is no way to try out passwords or regular expressions."""
        client.force_login(User.objects.create_superuser("boss@staff.example", PASSWORD), backend=BACKEND)

        answers = {lookup: client.get(page(model), {lookup: "a"}).status_code for lookup in lookups(model)}

        assert {lookup: status for lookup, status in answers.items() if status != 400} == {}

    @pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model.__name__)
    def test_answers_for_no_column_that_it_does_not_offer(self, client, model):
        client.force_login(User.objects.create_superuser("boss@staff.example", PASSWORD), backend=BACKEND)
        model_admin = admin.site._registry[model]
        shown = {entry[0] if isinstance(entry, tuple) else entry for entry in model_admin.list_filter}
        shown |= {
            getattr(entry, "parameter_name", entry) for entry in model_admin.list_filter if not isinstance(entry, tuple)
        }
        hidden = [field.name for field in model._meta.concrete_fields if field.name not in {*shown, "id", "owner"}]

        answers = {name: client.get(page(model), {name: "1"}).status_code for name in hidden}

        assert {name: status for name, status in answers.items() if status != 400} == {}


class TestTheOwner:
    def test_is_a_filter_for_those_only_who_see_everybody(self, client):
        ann = make_user("ann@staff.example")
        found = {}
        for person in (ann, make_manager("manager@staff.example")):
            client.force_login(person, backend=BACKEND)
            found[person.email] = client.get(page(Client), {"owner": ann.pk}).status_code

        assert found == {"ann@staff.example": 400, "manager@staff.example": 200}


class TestAYear:
    @pytest.mark.parametrize("model", [JournalEntry, Client])
    @pytest.mark.parametrize("year", ["0", "-1", "10000", "99999999999", "9" * 30, "x"])
    def test_beyond_all_calendars_is_a_sentence(self, client, model, year):
        client.force_login(make_user(), backend=BACKEND)
        make_client(make_user())

        answers = [
            client.get(page(model), {f"{column}__{part}": year}).status_code
            for column in ("action_time", "created_at")
            for part in ("year", "month", "day")
        ]

        assert set(answers) <= {200, 302, 400}
