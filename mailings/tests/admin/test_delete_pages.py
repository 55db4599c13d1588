"""A page that asks before it deletes says what stands in the way, and names no row that its reader may not see."""

import pytest
from django.urls import reverse
from guardian.shortcuts import assign_perm

from mailings.models import Mailing
from mailings.tests.factories import make_client, make_list, make_mailing, make_message, make_user

pytestmark = pytest.mark.django_db
SECRET = "zqneedle"


@pytest.fixture
def dora():
    return make_user("dora@staff.example", language="en")


@pytest.fixture
def shared(dora):
    """Give what is Dora's to a colleague, who uses it in a mailing that Dora cannot see."""
    carol = make_user("carol@staff.example")
    person = make_client(dora)
    rows = {"message": make_message(dora), "clientlist": make_list(dora, [person]), "client": person}
    for name in ("message", "clientlist"):
        for level in ("view", "use"):
            assign_perm(f"{level}_{name}", carol, rows[name])
    make_mailing(carol, [], [rows["clientlist"]], title=SECRET, message=rows["message"])
    return rows


@pytest.mark.parametrize("name", ["message", "clientlist", "client"])
class TestWhatAColleagueUses:
    def test_is_not_named_by_the_page_of_the_row(self, client, dora, shared, name):
        client.force_login(dora, backend="django.contrib.auth.backends.ModelBackend")

        response = client.get(reverse(f"admin:mailings_{name}_delete", args=[shared[name].pk]))

        assert (response.status_code, SECRET in response.content.decode()) == (200, False)

    def test_is_not_named_by_the_page_of_several_rows(self, client, dora, shared, name):
        client.force_login(dora, backend="django.contrib.auth.backends.ModelBackend")
        data = {"action": "delete_selected", "_selected_action": shared[name].pk}

        response = client.post(reverse(f"admin:mailings_{name}_changelist"), data)

        assert (response.status_code, SECRET in response.content.decode()) == (200, False)

    def test_stays_as_it_is_whatever_is_answered(self, client, dora, shared, name):
        client.force_login(dora, backend="django.contrib.auth.backends.ModelBackend")

        client.post(reverse(f"admin:mailings_{name}_delete", args=[shared[name].pk]), {"post": "yes"})

        mailing = Mailing.objects.get(title=SECRET)
        assert mailing.message == shared["message"]
