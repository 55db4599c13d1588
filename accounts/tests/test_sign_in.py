"""Signing in: one sentence for everybody who may not, a new session key, and an end after twelve hours."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as project_settings
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from accounts import blocking, invitation, tasks
from accounts.tests.factories import PASSWORD, make_manager, make_user

pytestmark = pytest.mark.django_db
LOGIN = reverse("admin:login")
COOKIE = project_settings.SESSION_COOKIE_NAME


def sign_in(client, email, password=PASSWORD, **more):
    return client.post(LOGIN, {"username": email, "password": password, **more})


class TestTheSentence:
    def test_is_the_same_for_unknown_wrong_blocked_and_invited(self, client):
        make_user("known@staff.example")
        make_user("blocked@staff.example", is_active=False, blocked_at=timezone.now())
        invited = make_user("invited@staff.example", invited_at=timezone.now())
        invited.set_unusable_password()
        invited.save()

        answers = [
            sign_in(client, "known@staff.example", "wrong-pass-phrase-1"),
            sign_in(client, "unknown@staff.example"),
            sign_in(client, "blocked@staff.example"),
            sign_in(client, "invited@staff.example"),
            sign_in(client, "invited@staff.example", invited.password),
        ]

        pages = {without_what_differs(answer) for answer in answers}
        assert len(pages) == 1
        assert "do not fit together" in pages.pop()


def without_what_differs(answer):
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return re.sub(r'value="\w+@staff.example"', "", body)


class TestTheSession:
    def test_gets_a_new_key_at_the_door(self, client):
        """A key that somebody has planted in the browser before opens nothing afterwards."""
        make_user("ann@staff.example")
        session = client.session
        session["planted"] = "yes"
        session.save()
        client.cookies[COOKIE] = planted = session.session_key

        sign_in(client, "ann@staff.example")

        thief = type(client)()
        thief.cookies[COOKIE] = planted
        assert client.cookies[COOKIE].value != planted
        assert (client.get("/admin/").status_code, thief.get("/admin/").status_code) == (200, 302)

    def test_lasts_twelve_hours_whatever_is_done_meanwhile(self, client):
        make_user("ann@staff.example")
        profile = {"full_name": "Ann", "time_zone": "UTC", "language": "en"}
        with time_machine.travel(timezone.now(), tick=False) as clock:
            answer = sign_in(client, "ann@staff.example")
            clock.shift(timedelta(hours=11, minutes=59))
            # A message to show next changes the session.
            client.post(reverse("admin:profile"), profile)
            before = client.get("/admin/").status_code
            clock.shift(timedelta(minutes=2))
            after = client.get("/admin/").status_code

        assert (answer.cookies[COOKIE]["max-age"], before, after) == (12 * 60 * 60, 200, 302)

    def test_is_forgotten_by_the_next_night(self, client):
        make_user("ann@staff.example")
        with time_machine.travel(timezone.now(), tick=False) as clock:
            sign_in(client, "ann@staff.example")
            clock.shift(timedelta(hours=13))
            sign_in(type(client)(), "ann@staff.example")

            tasks.forget_old.call_local()

        assert Session.objects.count() == 1

    def test_is_ended_by_a_block_for_good(self, client):
        ann, manager = make_user("ann@staff.example"), make_manager()
        sign_in(client, ann.email)
        blocking.block(ann.pk, manager, "left")
        blocking.unblock(ann.pk, manager)

        answers = [
            client.get(path).status_code for path in ("/admin/", reverse("admin:profile"), "/admin/running.json")
        ]

        assert answers == [302, 302, 302]


class TestTheAddressAfterwards:
    @pytest.mark.parametrize(
        ("wanted", "reached"),
        [
            ("/admin/mailings/client/", "/admin/mailings/client/"),
            ("https://evil.example/", "/admin/"),
            ("//evil.example/", "/admin/"),
            ("javascript:alert(1)", "/admin/"),
            ("", "/admin/"),
        ],
    )
    def test_is_one_of_ours(self, client, wanted, reached):
        make_user("ann@staff.example")

        assert sign_in(client, "ann@staff.example", next=wanted)["Location"] == reached


class TestNobody:
    def test_can_register(self, client):
        """There is no such page; the only ways in are an invitation and csu."""
        answers = [client.post(f"/{path}").status_code for path in ("register/", "signup/", "users/register/")]

        assert answers == [404, 404, 404]
        assert not invitation.tokens.check_token(None, "x")
