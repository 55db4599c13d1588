"""The public pages: one click to unsubscribe, and what a load balancer asks."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from mailings import operations
from mailings.models import Delivery, Suppression, Worker
from mailings.sending.token import seal
from mailings.tests.factories import make_client, make_mailing, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox():
    """Somebody else's browser or mail program: no session, no cookie, no token of a form."""
    return Browser(enforce_csrf_checks=True)


def make_delivery(address="ivan@client.example", **fields):
    owner = make_user()
    mailing = make_mailing(owner, [make_client(owner, address, full_name="Ivan"), make_client(owner)], title="Sale")
    run = operations.launch(mailing.pk, owner)
    return Delivery.objects.get(run=run, address=address)


def address_of(delivery):
    return reverse("unsubscribe", args=[seal(delivery.pk, settings.SECRET_KEY.encode())])


def suppressed():
    return list(Suppression.objects.values_list("address", "reason"))


class TestUnsubscribe:
    def test_offers_a_button_and_changes_nothing_until_it_is_pressed(self, mailbox):
        delivery = make_delivery()

        response = mailbox.get(address_of(delivery))

        delivery.refresh_from_db()
        assert (response.status_code, "<button" in response.content.decode()) == (200, True)
        assert (suppressed(), delivery.state) == ([], "pending")

    def test_answers_head_and_changes_nothing(self, mailbox):
        response = mailbox.head(address_of(make_delivery()))

        assert (response.status_code, response.content, suppressed()) == (200, b"", [])

    @pytest.mark.parametrize(
        "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=BoUnDaRyStRiNg"]
    )
    def test_takes_one_click_of_a_mail_program(self, mailbox, content_type):
        """RFC 8058 section 3.2: a POST of either kind, without cookies and without anything before it."""
        delivery = make_delivery()
        bodies = {
            "application/x-www-form-urlencoded": b"List-Unsubscribe=One-Click",
            "multipart/form-data; boundary=BoUnDaRyStRiNg": b"--BoUnDaRyStRiNg\r\n"
            b'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--BoUnDaRyStRiNg--\r\n',
        }

        response = mailbox.generic("POST", address_of(delivery), bodies[content_type], content_type=content_type)

        delivery.refresh_from_db()
        assert (response.status_code, suppressed()) == (200, [("ivan@client.example", "unsubscribed")])
        assert (delivery.state, delivery.reason, delivery.run.suppressed) == ("suppressed", "unsubscribed", 1)

    def test_is_the_same_when_done_twice(self, mailbox):
        delivery = make_delivery()

        answers = [mailbox.post(address_of(delivery)).status_code for _ in range(2)]

        delivery.run.refresh_from_db()
        assert (answers, len(suppressed()), delivery.run.suppressed) == ([200, 200], 1, 1)

    def test_works_after_the_client_is_gone(self, mailbox):
        delivery = make_delivery()
        delivery.client.delete()

        response = mailbox.post(address_of(delivery))

        assert (response.status_code, suppressed()) == (200, [("ivan@client.example", "unsubscribed")])

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_knows_a_forged_link(self, mailbox, method):
        token = seal(make_delivery().pk, b"another key")
        links = [reverse("unsubscribe", args=[each]) for each in (token, token[:-1], "1", "А" * 24, "%00")]

        answers = [getattr(mailbox, method)(link).status_code for link in links]

        assert (answers[:4], suppressed()) == ([404] * 4, [])
        assert answers[4] in {400, 404}

    def test_takes_no_link_for_a_delivery_that_is_not_there(self, mailbox):
        link = reverse("unsubscribe", args=[seal(10**6, settings.SECRET_KEY.encode())])

        assert mailbox.post(link).status_code == 404

    @pytest.mark.parametrize("method", ["put", "delete", "patch"])
    def test_has_no_other_method(self, mailbox, method):
        response = getattr(mailbox, method)(address_of(make_delivery()))

        assert (response.status_code, response["Allow"], suppressed()) == (405, "GET, HEAD, POST", [])

    def test_names_nobody_and_is_kept_by_no_cache(self, mailbox):
        delivery = make_delivery()

        pages = [mailbox.get(address_of(delivery)), mailbox.post(address_of(delivery))]

        for page in pages:
            text = page.content.decode()
            assert [word for word in ("ivan", "Ivan", "Sale", delivery.owner.email) if word in text] == []
            assert "no-store" in page["Cache-Control"]
            assert (page["Referrer-Policy"], page["X-Robots-Tag"]) == ("no-referrer", "noindex")

    def test_leaves_other_owners_letters_alone(self, mailbox):
        """The same address may stand with two owners; one of them was asked to stop."""
        delivery, other = make_delivery(), make_delivery()

        mailbox.post(address_of(delivery))

        other.refresh_from_db()
        assert (other.state, list(Suppression.objects.values_list("owner", flat=True))) == (
            "pending",
            [delivery.owner_id],
        )


class TestHealthz:
    def test_answers_without_the_database(self, client, django_assert_num_queries):
        with django_assert_num_queries(0):
            response = client.get("/healthz")

        assert (response.status_code, response.content) == (200, b"ok")


class TestReadyz:
    def test_is_ready_while_a_worker_lives(self, client):
        Worker.objects.create(name="one")

        response = client.get("/readyz")

        assert (response.status_code, response.content) == (200, b"ok")

    @pytest.mark.parametrize("age", [None, timedelta(minutes=3)])
    def test_says_that_no_worker_lives(self, client, age):
        if age:
            Worker.objects.create(name="one", seen_at=timezone.now() - age)

        response = client.get("/readyz")

        assert (response.status_code, response.content) == (503, b"worker")

    def test_says_that_a_migration_is_missing(self, client):
        Worker.objects.create(name="one")
        MigrationRecorder(connection).migration_qs.filter(app="mailings").delete()

        response = client.get("/readyz")

        assert (response.status_code, response.content) == (503, b"migrations")

    def test_takes_no_post(self, client):
        assert [client.post(page).status_code for page in ("/healthz", "/readyz")] == [405, 405]
