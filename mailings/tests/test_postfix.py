"""Whole mailings to a real Postfix: its mailboxes, its refusals, its TLS and its login."""

import contextlib
import os
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from mailings import operations
from mailings.models import Attempt, Client, Delivery, Mailing
from mailings.tests.factories import make_list, make_mailing, make_user
from mailings.tests.postfix_server import DOMAIN, PASSWORD, USER, Postfix, missing

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(bool(missing()), reason=missing())]

GOOD, BAD = 950, 50
FEW = 40
# Half of the bad ones stand together in the list: more in a row than Postfix bears on one connection (20).
TOGETHER, EVERY = 25, 36


def addresses():
    """List 1,000 recipients, 50 of them without a mailbox."""
    good = [f"c{n}@{DOMAIN}" for n in range(GOOD)]
    bad = [f"bad{n}@{DOMAIN}" for n in range(BAD)]
    for n, address in enumerate(bad[TOGETHER:]):
        good.insert((n + 1) * EVERY, address)
    return good[:500] + bad[:TOGETHER] + good[500:]


@pytest.fixture(scope="module")
def running():
    with folder() as place, Postfix(place, (f"c{n}" for n in range(GOOD))) as postfix:
        yield postfix


@contextlib.contextmanager
def folder():
    """Make a folder that the users whom Postfix runs as may enter (pytest's own they may not), in memory if possible:
    Postfix syncs each file, and how long that takes says more about the machine's other work than about ours.
    """
    memory = Path("/dev/shm")  # noqa: S108  the name beneath it is random
    made = Path(tempfile.mkdtemp(prefix="postroom-postfix-", dir=memory if os.access(memory, os.W_OK) else None))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def postfix(running, settings, monkeypatch):
    """An empty Postfix that the product is told of, its authority included."""
    running.empty()
    monkeypatch.setenv("SSL_CERT_FILE", str(running.authority))
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", running.plain
    settings.DEFAULT_FROM_EMAIL = f"Магазин <office@{DOMAIN}>"
    settings.SITE_URL = f"https://mail.{DOMAIN}"
    yield running
    # pytest shows it where the test failed.
    print(running.log.read_text()[-3000:])


@pytest.fixture
def login(postfix, settings):
    """Let the product use the port that wants TLS and a login."""
    settings.EMAIL_PORT, settings.EMAIL_USE_TLS = postfix.starttls, True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
    return settings


def launched(emails):
    anna = make_user()
    clients = Client.objects.bulk_create(
        Client(owner=anna, email=email, full_name=f"Имя {n}") for n, email in enumerate(emails)
    )
    mailing = make_mailing(anna, lists=[make_list(anna, clients)])
    return operations.launch(mailing.pk, anna)


def send(run):
    while operations.deliver(run.pk):
        pass
    run.refresh_from_db()
    return run


def received(postfix):
    """Count the letters in the mailboxes by address and Message-ID."""
    return Counter((address, letter["Message-ID"]) for address, letter in postfix.letters())


def owed(run, *states):
    """List the letters that the ledger says Postfix has, as `received` does."""
    rows = Delivery.objects.filter(run=run, state__in=states).values_list("address", "message_id")
    return Counter((address, f"<{message_id.hex}@{DOMAIN}>") for address, message_id in rows)


class TestPostfix:
    @pytest.mark.parametrize("connections", [1, 10])
    def test_takes_each_good_letter_of_a_thousand_once_and_refuses_the_others(self, postfix, settings, connections):
        settings.SENDING_CONNECTIONS = connections

        run = send(launched(addresses()))

        said = postfix.log.read_text()
        attempts = list(Attempt.objects.values_list("delivery__address", "outcome", "code", "enhanced_code", "answer"))
        refused = {address: words for address, *words in attempts if words[0] == "refused"}
        assert "too many errors" not in said
        assert "improper command pipelining" not in said
        assert received(postfix) == owed(run, "accepted")
        assert sorted(address for address, _ in received(postfix)) == sorted(f"c{n}@{DOMAIN}" for n in range(GOOD))
        assert refused == {address: refusal(address) for address in (f"bad{n}@{DOMAIN}" for n in range(BAD))}
        assert Counter(outcome for _, outcome, *_ in attempts) == {"accepted": GOOD, "refused": BAD}
        assert all(
            re.search(r"queued as \w+", answer) for _, outcome, _, _, answer in attempts if outcome == "accepted"
        )
        assert (run.total, run.accepted, run.refused, run.waiting) == (GOOD + BAD, GOOD, BAD, 0)
        assert (Mailing.objects.get().status, run.finished_at is None) == (Mailing.Status.COMPLETED, False)


def refusal(address):
    words = f"<{address}>: Recipient address rejected: User unknown in virtual mailbox table"
    return ["refused", 550, "5.1.1", words]


class TestLogin:
    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_over_a_protected_line_opens_the_server(self, postfix, login, security):
        login.EMAIL_USE_TLS, login.EMAIL_USE_SSL = security == "starttls", security == "tls"
        login.EMAIL_PORT = getattr(postfix, security)

        run = send(launched(f"c{n}@{DOMAIN}" for n in range(FEW)))

        way = [letter["Received"] for _, letter in postfix.letters()]
        assert received(postfix) == owed(run, "accepted")
        assert (run.accepted, len(way)) == (FEW, FEW)
        assert all("using TLSv1" in line and f"Authenticated sender: {USER}" in line for line in way)

    def test_with_a_wrong_password_pauses_and_burns_nobody(self, postfix, login):
        login.EMAIL_HOST_PASSWORD = "wrong"
        run = launched(f"c{n}@{DOMAIN}" for n in range(FEW))

        send(run)

        assert paused() == (Mailing.PauseReason.LOGIN, True)
        assert "authentication failed" in Mailing.objects.get().pause_detail
        self.nobody_is_burned(postfix, run)

    def test_mended_by_a_person_goes_on_where_it_stopped(self, postfix, login):
        login.EMAIL_HOST_PASSWORD = "wrong"
        run = send(launched(f"c{n}@{DOMAIN}" for n in range(FEW)))

        login.EMAIL_HOST_PASSWORD = PASSWORD
        operations.resume(run.mailing_id)
        send(run)

        assert received(postfix) == owed(run, "accepted")
        assert run.accepted == FEW

    def nobody_is_burned(self, postfix, run):
        assert set(Delivery.objects.filter(run=run).values_list("state", flat=True)) == {"pending"}
        assert not Attempt.objects.exists()
        assert postfix.letters() == []


class TestCertificate:
    def test_that_nobody_vouches_for_pauses_before_a_word_is_said(self, postfix, login, monkeypatch):
        monkeypatch.delenv("SSL_CERT_FILE")

        self.is_refused(postfix)

    def test_for_another_host_pauses_before_a_word_is_said(self, postfix, login):
        login.EMAIL_HOST = "127.0.0.1"

        self.is_refused(postfix)

    def is_refused(self, postfix):
        run = send(launched(f"c{n}@{DOMAIN}" for n in range(FEW)))

        assert paused() == (Mailing.PauseReason.TLS, True)
        assert "certificate verify failed" in Mailing.objects.get().pause_detail
        assert set(Delivery.objects.filter(run=run).values_list("state", flat=True)) == {"pending"}
        assert postfix.letters() == []
        assert "sasl_username" not in postfix.log.read_text()


def paused():
    mailing = Mailing.objects.get()
    return mailing.pause_reason, mailing.status == Mailing.Status.PAUSED
