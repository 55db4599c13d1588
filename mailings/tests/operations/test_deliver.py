"""Delivering over real SMTP sessions, with a server that errs where it is told to."""

import email
import email.policy
import re
import time
from concurrent.futures import Future
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from mailings import operations
from mailings.models import (
    Attachment,
    Attempt,
    Claim,
    Client,
    Delivery,
    HourlyCounter,
    MailAccount,
    Mailing,
    Reason,
    Suppression,
)
from mailings.operations import claim
from mailings.operations.deliver import account
from mailings.operations.frame import Letters
from mailings.operations.sender import WINDOW, Sender
from mailings.sending.account import Policy
from mailings.sending.smtp import Pool
from mailings.tests.factories import make_client, make_list, make_mailing, make_message, make_user
from mailings.tests.smtp_server import Close, Say, Server, refuse_by_name

pytestmark = pytest.mark.django_db


@pytest.fixture
def connect(settings):
    """Point the mail settings at a server."""

    def connect(server, **more):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.SITE_URL = "https://mail.shop.example"
        for name, value in more.items():
            setattr(settings, name, value)

    return connect


def launched(*addresses, message=None, **fields):
    anna = message.owner if message else make_user()
    clients = [make_client(anna, address, full_name=f"Имя {n}") for n, address in enumerate(addresses, 1)]
    mailing = make_mailing(anna, lists=[make_list(anna, clients)], message=message or make_message(anna), **fields)
    return operations.launch(mailing.pk, anna)


def many(count, start="c"):
    return [f"{start}{n}@x.example" for n in range(count)]


def sender_of(run, pool, stops=False):
    return Sender(run, Letters(run), pool, time.monotonic() + 60, is_stopping=lambda: stops)


def take_turn(sender, results=()):
    turn, rows = sender.begin(sender.turn([*sender.take_aside(), *results]))
    return sender.fill(sender.end(turn, rows))


def send(sender, letters):
    done = Future()
    done.set_result([])
    return sender.exchange(letters, done)


def ledger(run):
    return dict(Delivery.objects.filter(run=run).values_list("address", "state"))


def count_states(run):
    values = list(ledger(run).values())
    return {value: values.count(value) for value in set(values)}


def parsed(letter):
    return email.message_from_bytes(letter.data, policy=email.policy.SMTP)


class TestDeliver:
    def test_sends_one_letter_to_each_and_completes(self, connect):
        with Server() as server:
            connect(server)
            run = launched(*many(60))

            has_more = operations.deliver(run.pk)

        run.refresh_from_db()
        assert not has_more
        assert server.recipients() == sorted(many(60))
        assert (run.accepted, run.waiting, run.mailing.runs.get().finished_at is None) == (60, 0, False)
        assert Mailing.objects.get().status == Mailing.Status.COMPLETED
        assert max(server.accepted.values()) == 1

    def test_keeps_connections_open(self, connect):
        with Server() as server:
            connect(server, SENDING_CONNECTIONS=2)

            operations.deliver(launched(*many(60)).pk)

        assert server.connections <= 2

    def test_records_the_servers_answer_for_every_client(self, connect):
        with Server(rcpt=refuse_by_name) as server:
            connect(server)
            run = launched("a@x.example", "bad@x.example", "later@x.example")

            operations.deliver(run.pk)

        found = {
            row.delivery.client.email: (row.outcome, row.code, row.enhanced_code, row.stage, row.reason)
            for row in Attempt.objects.select_related("delivery__client")
        }
        assert found == {
            "a@x.example": ("accepted", 250, "2.0.0", "dot", "accepted"),
            "bad@x.example": ("refused", 550, "5.1.1", "rcpt", "no_such_address"),
            "later@x.example": ("deferred", 451, "4.7.1", "rcpt", "greylisted"),
        }
        assert all(Attempt.objects.values_list("answer", flat=True))

    def test_counts_per_run_and_per_hour(self, connect):
        with Server(rcpt=refuse_by_name) as server:
            connect(server)
            run = launched(*many(5), "bad@x.example", "later@x.example")

            operations.deliver(run.pk)

        run.refresh_from_db()
        assert (run.accepted, run.refused, run.deferred, run.waiting) == (5, 1, 1, 0)
        assert HourlyCounter.objects.values_list("accepted", "refused", "deferred").get() == (5, 1, 1)

    def test_tries_the_deferred_again_when_their_time_has_come(self, connect):
        greylisted = iter(["451 4.7.1 Greylisted"])
        with Server(rcpt=lambda _: next(greylisted, None)) as server:
            connect(server)
            run = launched("a@x.example")

            operations.deliver(run.pk)
            early = operations.tick(timezone.now() + timedelta(minutes=1))
            due = operations.tick(timezone.now() + timedelta(minutes=7))
            operations.deliver(run.pk)

        run.refresh_from_db()
        assert (early, due) == ([], [run.pk])
        assert (run.accepted, run.deferred, Delivery.objects.get().tries) == (1, 0, 2)
        assert list(Attempt.objects.order_by("pk").values_list("outcome", flat=True)) == ["deferred", "accepted"]

    def test_suppresses_an_address_that_does_not_exist(self, connect):
        with Server(rcpt=refuse_by_name) as server:
            connect(server)
            run = launched("bad@x.example", "a@x.example")

            operations.deliver(run.pk)

        assert list(Suppression.objects.values_list("owner", "address", "reason")) == [
            (run.owner_id, "bad@x.example", Suppression.Reason.HARD_BOUNCE)
        ]

    def test_says_unknown_where_the_line_breaks_after_the_text(self, connect):
        with Server(script={("DOT", 1): Close(keeps=True)}) as server:
            connect(server, SENDING_CONNECTIONS=1)
            run = launched("a@x.example", "b@x.example")

            operations.deliver(run.pk)
            operations.tick(timezone.now())
            operations.deliver(run.pk)

        assert sorted(ledger(run).values()) == ["accepted", "unknown"]
        assert max(server.accepted.values()) == 1

    def test_returns_recipients_untried_where_the_login_fails(self, connect):
        with Server(users={"me": "right"}) as server:
            connect(server, EMAIL_HOST_USER="me", EMAIL_HOST_PASSWORD="wrong")
            run = launched(*many(30))

            operations.deliver(run.pk)

        mailing = Mailing.objects.get()
        assert count_states(run) == {"pending": 30}
        assert (mailing.status, mailing.pause_reason) == (Mailing.Status.PAUSED, Mailing.PauseReason.LOGIN)
        assert "535" in mailing.pause_detail or mailing.pause_detail
        assert not Attempt.objects.exists()

    def test_pauses_and_comes_back_where_there_is_no_server(self, connect, settings):
        with Server() as server:
            connect(server)
        run = launched(*many(3))

        operations.deliver(run.pk)

        mailing = Mailing.objects.get()
        assert (mailing.status, mailing.pause_reason) == (Mailing.Status.PAUSED, Mailing.PauseReason.CONNECTION)
        assert count_states(run) == {"pending": 3}
        assert operations.tick(mailing.resume_at + timedelta(seconds=1)) == [run.pk]

    def test_pauses_where_the_sender_is_refused(self, connect):
        with Server(script={("MAIL", 0): Say("553 5.7.1 Sender address rejected: not owned by auth user")}) as server:
            connect(server)
            run = launched(*many(5))

            operations.deliver(run.pk)

        assert Mailing.objects.get().pause_reason == Mailing.PauseReason.SENDER
        assert count_states(run) == {"pending": 5}

    def test_pauses_where_the_message_is_taken_for_spam(self, connect):
        with Server(script={("DOT", 0): Say("554 5.7.1 Message rejected as spam")}) as server:
            connect(server, SENDING_CONNECTIONS=1)
            run = launched(*many(200))

            operations.deliver(run.pk)

        assert Mailing.objects.get().pause_reason == Mailing.PauseReason.MESSAGE
        assert count_states(run)["refused"] <= 60
        assert not Suppression.objects.exists()

    def test_pauses_where_the_list_is_full_of_dead_addresses(self, connect):
        with Server(rcpt=refuse_by_name) as server:
            connect(server)
            run = launched(*many(120), *many(200, "bad"))

            operations.deliver(run.pk)

        run.refresh_from_db()
        assert Mailing.objects.get().pause_reason == Mailing.PauseReason.REFUSALS
        assert (run.accepted, 30 <= run.refused <= 130) == (120, True)

    def test_asks_afresh_before_each_letter(self, connect):
        with Server() as server:
            connect(server)
            run = launched("kept@x.example", "gone@x.example", "unsubscribed@x.example", "everybody@x.example")
            Client.objects.get(email="gone@x.example").delete()
            Suppression.objects.create(owner=run.owner, address="unsubscribed@x.example")
            Suppression.objects.create(owner=None, address="everybody@x.example")

            operations.deliver(run.pk)

        run.refresh_from_db()
        assert server.recipients() == ["kept@x.example"]
        assert (run.accepted, run.suppressed, run.cancelled) == (1, 2, 1)
        assert Delivery.objects.get(address="gone@x.example").reason == Reason.CLIENT_DELETED

    @pytest.mark.parametrize("status", [Mailing.Status.PAUSED, Mailing.Status.SWITCHED_OFF])
    def test_stops_in_the_middle_when_told_to(self, connect, status):
        with Server() as server:
            connect(server, SENDING_CONNECTIONS=1)
            run = launched(*many(200))
            with Pool(account(), Policy(connections=1)) as pool:
                sender = sender_of(run, pool)
                letters = take_turn(sender, send(sender, take_turn(sender)))
                Mailing.objects.update(status=status)
                left = take_turn(sender, send(sender, letters))
                sender.work()

        assert left == []
        assert 0 < len(server.letters) <= 2 * WINDOW
        assert count_states(run) == {"accepted": len(server.letters), "pending": 200 - len(server.letters)}

    def test_leaves_the_rest_when_its_slice_is_over(self, connect):
        with Server() as server:
            connect(server)
            run = launched(*many(100))

            has_more = operations.deliver(run.pk, seconds=0)

        assert has_more is True
        assert count_states(run) == {"pending": 100}

    def test_ends_at_once_when_the_worker_does_and_gives_back_who_is_left(self, connect):
        with Server() as server:
            connect(server)
            run = launched(*many(100))
            with Pool(account(), Policy()) as pool:
                sender = sender_of(run, pool)
                sender.aside = send(sender, take_turn(sender))
                sender.is_stopping = lambda: True
                has_more = sender.work()

        assert has_more is True
        assert count_states(run) == {"accepted": len(server.letters), "pending": 100 - len(server.letters)}
        assert Claim.objects.count() == 0

    def test_takes_its_stretches_one_after_the_other(self, connect, monkeypatch):
        monkeypatch.setattr(claim, "STRETCH", 7)
        with Server() as server:
            connect(server)
            run = launched(*many(40))

            operations.deliver(run.pk)

        assert (len(server.letters), count_states(run), Claim.objects.count()) == (40, {"accepted": 40}, 0)

    def test_leaves_alone_what_another_worker_has_in_hand(self, connect):
        with Server() as server:
            connect(server)
            run = launched(*many(30))
            ids = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
            until = timezone.now() + timedelta(hours=1)
            Claim.objects.create(run=run, first=ids[10], last=ids[19], mark=ids[14], lease_until=until)

            has_more = operations.deliver(run.pk)

        assert (has_more, len(server.letters)) == (False, 20)
        assert set(Delivery.objects.pending().values_list("pk", flat=True)) == set(ids[10:20])

    def test_writes_nothing_once_its_claim_was_taken_from_it(self, connect):
        with Server() as server:
            connect(server, SENDING_CONNECTIONS=1)
            run = launched(*many(60))
            with Pool(account(), Policy(connections=1)) as pool:
                sender = sender_of(run, pool)
                letters = take_turn(sender)
                results = send(sender, letters)
                Claim.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
                operations.tick(timezone.now())
                sender.aside = results
                sender.work()

        assert count_states(run) == {"unknown": len(letters), "pending": 60 - len(letters)}
        assert len(server.letters) == len(letters)

    def test_keeps_to_the_accounts_limits(self, connect):
        with Server() as server:
            connect(server, SENDING_LIMITS="30/h")
            run = launched(*many(50))

            has_more = operations.deliver(run.pk)
            again = operations.deliver(run.pk)

        assert (has_more, again, len(server.letters)) == (False, False, 30)
        assert MailAccount.objects.get().sent_within(3600, timezone.now()) == 30

    def test_pauses_where_no_letter_can_be_made_of_the_message(self, connect):
        with Server() as server:
            connect(server)
            run = launched("a@x.example", message=make_message(make_user(), text="{{ broken"))

            has_more = operations.deliver(run.pk)

        assert (has_more, Mailing.objects.get().pause_reason) == (False, Mailing.PauseReason.MESSAGE)
        assert count_states(run) == {"pending": 1}

    def test_pauses_where_an_attachment_is_gone(self, connect):
        message = make_message(make_user())
        lost = Attachment.objects.create(owner=message.owner, message=message, file=ContentFile(b"x", name="x.txt"))
        with Server() as server:
            connect(server)
            run = launched("a@x.example", message=message)
            lost.file.storage.delete(lost.file.name)

            has_more = operations.deliver(run.pk)

        assert (has_more, Mailing.objects.get().pause_reason) == (False, Mailing.PauseReason.MESSAGE)
        assert count_states(run) == {"pending": 1}

    def test_fails_alone_whose_data_fit_into_no_letter(self, connect):
        with Server() as server:
            connect(server)
            run = launched("a@x.example", "b@x.example")
            # An address that an older version let in: the database holds what no form would.
            Delivery.objects.filter(address="b@x.example").update(address="b@x.example\r\nDATA")

            operations.deliver(run.pk)

        assert server.recipients() == ["a@x.example"]
        assert Delivery.objects.exclude(address="a@x.example").values_list("state", "reason").get() == (
            "refused",
            Reason.BAD_DATA,
        )


class TestTheLetter:
    def send(self, connect, **message):
        anna = make_user()
        with Server() as server:
            connect(server, DEFAULT_FROM_EMAIL="Магазин <news@shop.example>")
            client = make_client(anna, "ivan@x.example", full_name="Иван & Ко", attributes={"Город": "Казань"})
            made = make_message(anna, **message)
            if message.get("subject") == "with a file":
                file = ContentFile("цены".encode(), name="price.txt")
                Attachment.objects.create(owner=anna, message=made, file=file, name="Прайс.txt")
            run = operations.launch(make_mailing(anna, [client], message=made).pk, anna)
            operations.deliver(run.pk)
        [letter] = server.letters
        return letter, parsed(letter), Delivery.objects.get()

    def test_fills_the_placeholders_by_place(self, connect):
        _letter, message, _delivery = self.send(
            connect, subject="{{ имя }}, новости", text="{{ имя }} ({{ город }})", html="<p>{{ имя }}</p>"
        )

        assert message["Subject"] == "Иван & Ко, новости"
        assert message.get_body(("plain",)).get_content().startswith("Иван & Ко (Казань)")
        assert "<p>Иван &amp; Ко</p>" in message.get_body(("html",)).get_content()

    def test_carries_what_receivers_ask_for(self, connect):
        letter, message, delivery = self.send(connect, text="Привет")

        assert letter.sender == "news@shop.example"
        assert message["To"].addresses[0].addr_spec == "ivan@x.example"
        assert message["Message-ID"] == f"<{delivery.message_id.hex}@shop.example>"
        assert re.fullmatch(r"<https://mail\.shop\.example/u/[\w-]+/>", message["List-Unsubscribe"])
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_says_how_to_unsubscribe_even_if_its_writer_did_not(self, connect, settings):
        settings.POSTAL_ADDRESS = "Shop, Kazan"
        _letter, message, _delivery = self.send(connect, text="Привет", html="<p>Привет</p>")

        for part in ("plain", "html"):
            body = message.get_body((part,)).get_content()
            assert "https://mail.shop.example/u/" in body
            assert "Shop, Kazan" in body

    def test_takes_attachments_along(self, connect):
        _letter, message, _delivery = self.send(connect, subject="with a file", text="Привет")

        [file] = message.iter_attachments()
        assert (file.get_filename(), file.get_payload(decode=True).decode()) == ("Прайс.txt", "цены")
