"""A new password by mail: the page tells nobody who has an account, and the link is ours."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from accounts import letters, tasks
from accounts.models import ResetRequest
from accounts.tests.factories import PASSWORD, make_user
from mailings.tests.smtp_server import Server

pytestmark = pytest.mark.django_db
ASK = reverse("admin_password_reset")
NEW = "another-long-phrase-8"


def make_blocked(email):
    return make_user(email, is_active=False, blocked_at=timezone.now())


def link_in(outbox):
    return re.search(r"http://testserver(/reset/\S+)", outbox[0].body)[1]


def without_token(response):
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())


def set_password(client, link):
    """Open the link and set a new password; return the last page."""
    form = client.get(link, follow=True)
    if "form" not in form.context or not form.context.get("validlink"):
        return form
    address = form.redirect_chain[-1][0]
    return client.post(address, {"new_password1": NEW, "new_password2": NEW}, follow=True)


def can_log_in(client, email, password):
    client.logout()
    client.post(reverse("admin:login"), {"username": email, "password": password})
    return client.get("/admin/").status_code == 200


class TestTheAnswer:
    def test_is_the_same_for_known_unknown_and_blocked(self, client, mailoutbox):
        make_user("known@staff.example")
        make_blocked("blocked@staff.example")
        addresses = ("known@staff.example", "unknown@staff.example", "blocked@staff.example")

        answers = [client.post(ASK, {"email": email}) for email in addresses]
        pages = {without_token(client.post(ASK, {"email": email}, follow=True)) for email in addresses}

        assert [(answer.status_code, answer["Location"]) for answer in answers] == [
            (302, reverse("password_reset_done"))
        ] * 3
        assert len(pages) == 1

    def test_comes_before_the_letter_which_a_worker_writes(self, client, mailoutbox):
        make_user("known@staff.example")

        client.post(ASK, {"email": "known@staff.example"})

        assert mailoutbox == []

    def test_asks_the_worker_for_the_known_one_in_any_case(self, client):
        user = make_user("known@staff.example")
        before = len(queue())

        for email in ("Known@STAFF.example", "unknown@staff.example"):
            client.post(ASK, {"email": email})

        assert [task.args for task in queue()[before:]] == [(user.pk,)]


def queue():
    return tasks.send_reset_letter.huey.pending()


class TestTheFourthRequestOfAnHour:
    def ask(self, client, email="known@staff.example", address="203.0.113.7"):
        return client.post(ASK, {"email": email}, REMOTE_ADDR=address)

    def test_sends_no_letter_and_is_answered_like_the_others(self, client):
        make_user("known@staff.example")
        before = len(queue())

        answers = [self.ask(client, email) for email in ("known@staff.example", "KNOWN@staff.example") * 3]

        assert len(queue()) - before == 3
        assert {(answer.status_code, answer["Location"]) for answer in answers} == {
            (302, reverse("password_reset_done"))
        }

    def test_is_counted_for_each_login_and_each_address(self, client):
        make_user("known@staff.example")
        make_user("other@staff.example")
        for _ in range(4):
            self.ask(client)
        before = len(queue())

        self.ask(client, "other@staff.example")
        self.ask(client, address="198.51.100.4")

        assert len(queue()) - before == 2

    def test_is_a_first_one_again_an_hour_later(self, client):
        make_user("known@staff.example")
        with time_machine.travel(timezone.now(), tick=False) as clock:
            for _ in range(4):
                self.ask(client)
            before = len(queue())
            clock.shift(timedelta(hours=1, seconds=1))

            self.ask(client)

        assert len(queue()) - before == 1

    def test_is_forgotten_by_the_next_night(self):
        user = make_user("known@staff.example")
        with time_machine.travel(timezone.now(), tick=False) as clock:
            ResetRequest.objects.admit(user, "203.0.113.7")
            clock.shift(timedelta(minutes=61))
            ResetRequest.objects.admit(user, None)

            tasks.forget_old.call_local()

        assert [request.address for request in ResetRequest.objects.all()] == [None]


class TestTheLetter:
    def test_leads_to_a_new_password_once(self, client, mailoutbox):
        user = make_user("known@staff.example")
        letters.send_reset_letter(user.pk)
        link = link_in(mailoutbox)

        first = set_password(client, link)
        second = set_password(client, link)

        assert mailoutbox[0].to == ["known@staff.example"]
        assert first.redirect_chain[-1][0] == reverse("password_reset_complete")
        assert second.context["validlink"] is False
        assert (can_log_in(client, user.email, NEW), can_log_in(client, user.email, PASSWORD)) == (True, False)

    def test_ends_the_sessions_there_are(self, client, mailoutbox):
        user = make_user("known@staff.example")
        client.post(reverse("admin:login"), {"username": user.email, "password": PASSWORD})
        letters.send_reset_letter(user.pk)
        link = link_in(mailoutbox)

        set_password(type(client)(), link)

        assert client.get("/admin/").status_code == 302

    def test_leads_to_our_site_whatever_host_was_asked(self, client, mailoutbox, settings):
        settings.ALLOWED_HOSTS = ["*"]
        user = make_user("known@staff.example")
        settings.SITE_URL = "https://mail.example.com"

        client.post(ASK, {"email": user.email}, headers={"host": "evil.example"})
        letters.send_reset_letter(user.pk)

        assert re.findall(r"https?://[^/\s]+", mailoutbox[0].body) == ["https://mail.example.com"]

    def test_is_not_written_to_a_blocked_one(self, mailoutbox):
        letters.send_reset_letter(make_blocked("blocked@staff.example").pk)
        letters.send_reset_letter(987654)

        assert mailoutbox == []

    def test_leaves_over_smtp(self, settings):
        """The worker's own function, a real connection, the right person."""
        user = make_user("known@staff.example")
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

        with Server() as server:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            letters.send_reset_letter(user.pk)

        assert [kept.recipients for kept in server.letters] == [("known@staff.example",)]
        assert b"/reset/" in server.letters[0].data


class TestSomebodyBlocked:
    def test_cannot_log_in_with_a_link_from_before(self, client, mailoutbox):
        user = make_user("known@staff.example")
        letters.send_reset_letter(user.pk)
        user.is_active, user.blocked_at = False, timezone.now()
        user.save()

        set_password(client, link_in(mailoutbox))

        assert not can_log_in(client, user.email, NEW)
        assert not can_log_in(client, user.email, PASSWORD)
