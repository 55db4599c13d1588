"""A message's pages: how it will be read, what is odd in it, a test letter, and what holds once it has been sent."""

import json
import re

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone, translation
from guardian.shortcuts import assign_perm

from accounts import journal
from accounts.models import User
from mailings.models import Attempt, Delivery, Mailing, Message, Run
from mailings.models.placeholder import FIELDS, NAMES, name_of
from mailings.operations import NotPossible
from mailings.operations.send_test import LETTERS_A_MINUTE, send_test
from mailings.tests.factories import make_client, make_list, make_mailing, make_manager, make_message, make_user
from mailings.tests.smtp_server import Say, Server

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", language="en")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user


@pytest.fixture
def boris():
    return make_user("boris@staff.example", language="en")


def page(name, message, **query):
    return reverse(f"admin:mailings_message_{name}", args=[message.pk], query=query)


def sent(message):
    """Put a message into a run."""
    mailing = make_mailing(message.owner, message=message, status=Mailing.Status.COMPLETED)
    Run.objects.create(owner=message.owner, mailing=mailing, trigger="by_hand", snapshot={}, finished_at=timezone.now())
    return mailing


def frame(response):
    """Read what the frame shows."""
    return response.context["letter"].html


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


class TestThePreview:
    def test_shows_the_letter_as_the_client_gets_it(self, client, ann):
        ivan = make_client(ann, "ivan@client.example", full_name="Иван <b>", attributes={"Город": "Казань"})
        message = make_message(ann, subject="{{ имя }}!", html="<p style='color:red'>{{ имя }}, {{ город }}</p>")

        response = client.get(page("preview", message, client=ivan.pk))

        letter = response.context["letter"]
        assert (letter.to, letter.subject) == ('"Иван <b>" <ivan@client.example>', "Иван <b>!")
        assert letter.html.startswith("<p style='color:red'>Иван &lt;b&gt;, Казань</p>")
        assert "/u/" in letter.html

    def test_shuts_the_letter_into_a_frame_that_can_do_nothing(self, client, ann):
        message = make_message(ann, html='<script>parent.x = 1</script><p onclick="x()">"Hi"</p>')

        response = client.get(page("preview", message))

        tag = re.search(r"<iframe[^>]*>", response.content.decode())[0]
        assert ' sandbox referrerpolicy="no-referrer"' in tag
        assert "allow" not in tag
        assert "<script>parent" not in response.content.decode()
        assert response["Content-Security-Policy"] == settings.LETTER_PAGE_POLICY

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, "olga"),
            ({"who": "longest"}, "ivan"),
            ({"who": "lacking"}, "nobody"),
            ({"client": "x"}, "olga"),
            ({"client": "9" * 30}, "olga"),
        ],
    )
    def test_chooses_whom_to_read_as(self, client, ann, query, expected):
        make_client(ann, "ivan@client.example", full_name="Ivan Ivanovich Ivanov", attributes={"city": "Kazan"})
        make_client(ann, "nobody@client.example", full_name="Nobody", attributes={"CITY": " "})
        make_client(ann, "olga@client.example", full_name="Olga", attributes={"City": "Omsk"})
        message = make_message(ann, text="{{ name }}, {{ city }}")

        response = client.get(page("preview", message, **query))

        assert response.context["look"].client.email == f"{expected}@client.example"

    def test_goes_on_to_the_next_and_back(self, client, ann):
        first, second, third = (make_client(ann) for _ in range(3))
        message = make_message(ann)

        links = client.get(page("preview", message, client=second.pk)).context["readers"]
        ends = client.get(page("preview", message, client=first.pk)).context["readers"]

        assert [link["url"] for link in links[:2]] == [
            page("preview", message, client=near.pk, show="text") for near in (third, first)
        ]
        assert ends[1]["url"] is None

    def test_reads_as_nobody_elses_client(self, client, ann, boris):
        foreign = make_client(boris, "secret@client.example")
        message = make_message(ann)

        response = client.get(page("preview", message, client=foreign.pk))

        assert response.context["look"].client.pk is None
        assert b"secret@" not in response.content

    def test_makes_a_client_up_for_whoever_has_none(self, client, ann):
        response = client.get(page("preview", make_message(ann, text="Dear {{ name }}")))

        assert "Dear Anna Example" in response.context["letter"].text

    def test_shows_the_raw_letter_and_gives_it_as_a_file(self, client, ann):
        make_client(ann, "ivan@client.example")
        message = make_message(ann, subject="News")

        raw = client.get(page("preview", message, show="raw")).context["raw"]
        file = client.get(page("letter", message))

        assert "\r\nSubject: News\r\n" in raw
        assert file["Content-Type"] == "message/rfc822"
        assert b"\r\nSubject: News\r\n" in file.content

    def test_says_why_there_is_no_letter(self, client, ann):
        message = make_message(ann, text="Hello {{ name")

        response = client.get(page("preview", message))

        assert "No letter can be made of it" in response.content.decode()

    def test_is_not_there_for_others(self, client, ann, boris):
        message = make_message(boris)

        answers = [client.get(page(name, message)).status_code for name in ("preview", "letter", "draft", "test")]

        assert answers == [404] * 4


class TestADraft:
    def test_is_drawn_and_not_saved(self, client, ann):
        message = make_message(ann, text="old")

        response = client.post(page("draft", message), {"subject": "S", "text": "new\x00er", "html": ""})

        message.refresh_from_db()
        assert "newer" in json.loads(response.content)["panels"]
        assert message.text == "old"

    def test_is_drawn_before_there_is_a_message(self, client, ann):
        response = client.post(reverse("admin:mailings_message_new_draft"), {"text": "Hello {{ nmae }}"})

        assert "there is no field “nmae”. Did you mean “name”?" in json.loads(response.content)["panels"]
        assert not Message.objects.exists()

    def test_is_refused_to_whoever_may_write_none(self, client):
        client.force_login(make_user(role=None), backend="django.contrib.auth.backends.ModelBackend")

        assert client.post(reverse("admin:mailings_message_new_draft"), {"text": "x"}).status_code in (403, 404)


class TestTheButtons:
    def test_offer_the_fields_and_what_the_owners_clients_have(self, client, ann, boris):
        make_client(ann, attributes={"City": "Kazan"})
        make_client(boris, attributes={"secret": "x"})

        response = client.get(page("change", make_message(ann)))

        assert response.context["placeholders"] == [
            "{{ full_name }}",
            "{{ email }}",
            "{{ unsubscribe_url }}",
            "{{ city }}",
        ]

    @pytest.mark.parametrize("language", ["en", "ru"])
    def test_write_what_is_understood(self, language):
        with translation.override(language):
            assert {key: FIELDS.get(name_of(key)) for key in NAMES} == {key: key for key in NAMES}


class TestATestLetter:
    @pytest.fixture
    def server(self, settings):
        with Server() as server:
            settings.EMAIL_PORT = server.port
            yield server

    def test_is_what_the_client_would_get_marked_and_not_counted(self, client, ann, server):
        ivan = make_client(ann, "ivan@client.example", full_name="Ivan")
        message = make_message(ann, subject="News for {{ name }}")

        response = client.post(page("test", message, client=ivan.pk), {"address": " Me@Staff.example"})

        (letter,) = server.letters
        assert letter.recipients == ("me@staff.example",)
        assert b"\r\nSubject: [test] News for Ivan\r\n" in letter.data
        assert said(response) == ["The mail server has accepted the test letter for me@staff.example."]
        assert (Delivery.objects.count(), Attempt.objects.count(), Run.objects.count()) == (0, 0, 0)
        assert journal.in_words(LogEntry.objects.get()) == "Test letter to m***@staff.example."

    def test_tells_what_the_mail_server_says(self, client, ann, settings):
        with Server(script={("RCPT", 0): Say("550 5.1.1 No such user here")}) as server:
            settings.EMAIL_PORT = server.port
            response = client.post(page("test", make_message(ann)), {"address": "me@staff.example"})

        assert said(response) == [
            "The test letter was not accepted: the address does not exist. The mail server says: 550 No such user here"
        ]

    def test_says_that_there_is_no_mail_server(self, client, ann):
        response = client.post(page("test", make_message(ann)), {"address": "me@staff.example"})

        assert said(response)[0].startswith("The test letter was not accepted: no connection to the mail server.")

    @pytest.mark.parametrize("address", ["", "me", "a@x.example, b@x.example", "me@x.example\r\nBcc: b@x.example"])
    def test_is_refused_for_what_is_no_address(self, client, ann, server, address):
        client.post(page("test", make_message(ann)), {"address": address})

        assert server.letters == []
        assert not LogEntry.objects.exists()

    def test_is_refused_after_ten_in_a_minute(self, client, ann, server):
        message = make_message(ann)

        answers = [
            said(client.post(page("test", message), {"address": "me@staff.example"}))[-1]
            for _ in range(LETTERS_A_MINUTE + 1)
        ]

        assert len(server.letters) == LETTERS_A_MINUTE
        assert answers[-1] == "That is enough test letters for now. Try again in a minute."

    def test_keeps_to_the_limits_of_the_mail_account(self, client, ann, server, settings):
        settings.SENDING_LIMITS = "1/d"
        message = make_message(ann)

        for _ in range(2):
            response = client.post(page("test", message), {"address": "me@staff.example"})

        assert len(server.letters) == 1
        assert said(response)[-1].startswith("The mail account has sent as much as it may")

    def test_is_not_sent_for_a_manager_who_may_only_look(self, client, ann, server):
        client.force_login(make_manager(), backend="django.contrib.auth.backends.ModelBackend")

        answer = client.post(page("test", make_message(ann)), {"address": "me@staff.example"})

        assert (answer.status_code, server.letters) == (403, [])

    def test_is_not_sent_for_somebody_blocked_meanwhile(self, ann, server):
        message, reader = make_message(ann), make_client(ann)
        User.objects.filter(pk=ann.pk).update(is_active=False, blocked_at=timezone.now())

        with pytest.raises(NotPossible):
            send_test(message, reader, "me@staff.example", ann)

        assert server.letters == []

    def test_is_sent_for_a_colleague_who_may_use_the_message(self, client, ann, boris, server):
        message = make_message(boris)
        for action in ("view", "use"):
            assign_perm(f"{action}_message", ann, message)

        client.post(page("test", message), {"address": "me@staff.example"})

        assert len(server.letters) == 1


class TestAMessageThatHasBeenSent:
    FORM = {"subject": "New", "text": "New", "attachments-TOTAL_FORMS": "0", "attachments-INITIAL_FORMS": "0"}

    def test_stays_as_it_is_and_says_why(self, client, ann):
        message = make_message(ann, subject="Old")
        mailing = sent(message)

        shown = client.get(page("change", message)).content.decode()
        response = client.post(page("change", message), self.FORM)

        message.refresh_from_db()
        assert message.subject == "Old"
        assert f"“{mailing.title}”</a>, so it stays as it is." in shown
        assert [name in shown for name in ('name="_save"', "readonly", 'id="placeholders"')] == [False, True, False]
        assert "It has been sent and cannot be changed any more." in response.content.decode()

    def test_can_be_changed_before(self, client, ann):
        message = make_message(ann, subject="Old")
        make_mailing(ann, message=message)

        client.post(page("change", message), self.FORM)

        message.refresh_from_db()
        assert message.subject == "New"

    def test_is_copied_with_its_attachments(self, client, ann):
        message = make_message(ann, subject="Old", html="<p>x</p>")
        message.attachments.create(owner=ann, file="attachments/a.pdf", name="a.pdf")
        sent(message)

        response = client.post(page("copy", message))

        made = Message.objects.exclude(pk=message.pk).get()
        assert response["Location"] == page("change", made)
        assert (made.owner, made.subject, made.text, made.html) == (ann, "Old", message.text, "<p>x</p>")
        assert [(each.owner, each.file.name, each.name) for each in made.attachments.all()] == [
            (ann, "attachments/a.pdf", "a.pdf")
        ]

    def test_is_not_copied_by_whoever_may_only_look(self, client, ann, boris):
        message = make_message(boris)
        assign_perm("view_message", ann, message)

        response = client.post(page("copy", message))

        assert said(response) == ["You may not use this message."]
        assert Message.objects.count() == 1


class TestTheConfirmationOfALaunch:
    def test_shows_the_first_three_letters(self, client, ann):
        clients = [make_client(ann, f"c{n}@client.example", full_name=f"Client {n}") for n in range(4)]
        mailing = make_mailing(ann, lists=[make_list(ann, clients)])

        response = client.get(reverse("admin:mailings_mailing_launch", args=[mailing.pk]))

        assert [letter.text.partition("!")[0] for letter in response.context["rows"][0]["letters"]] == [
            f"Hello, Client {n}" for n in range(3)
        ]

    def test_warns_of_what_is_odd(self, client, ann):
        message = make_message(ann, text="Hello {{ name }}: http://shop.example/a")
        mailing = make_mailing(ann, [make_client(ann)], message=message)

        response = client.get(reverse("admin:mailings_mailing_launch", args=[mailing.pk]))

        assert response.context["rows"][0]["warnings"][-2:] == [
            (
                "1 client has no “full_name”: the place stays empty. Write what stands there instead: "
                "{{ full_name | dear client }}."
            ),
            "1 link is not secure (http://shop.example/a). Write https:// if the site has it.",
        ]
