"""The letters of one run, filled from rows as the ledger hands them over."""

import email
import email.policy
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from mailings import operations
from mailings.operations.frame import Letters, _moment
from mailings.operations.ledger import Recipient
from mailings.sending.token import unseal
from mailings.tests.factories import make_client, make_list, make_mailing, make_message, make_user

ROW = Recipient(
    id=7,
    address="anna@x.example",
    message_id=uuid.UUID(int=5).hex,
    tries=1,
    full_name="Анна Ёлкина",
    attributes=json.dumps({"Город": "Казань"}),
)


@pytest.fixture
def letters(db):
    anna = make_user()
    message = make_message(anna, subject="{{ full_name }}, привет", text="{{ город | где }}: {{ unsubscribe_url }}")
    clients = [make_client(anna, "anna@x.example", attributes={"Город": "Казань"})]
    return Letters(operations.launch(make_mailing(anna, lists=[make_list(anna, clients)], message=message).pk, anna))


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


class TestLetters:
    def test_hold_what_is_known_of_the_recipient(self, letters):
        letter = read(letters.fill(ROW))

        city, _, url = letter.get_body(("plain",)).get_content().strip().partition(": ")
        assert letter["Subject"] == "Анна Ёлкина, привет"
        assert letter["Message-ID"] == f"<{5:032x}@{letters.domain}>"
        assert letter["List-Unsubscribe"] == f"<{url}>"
        assert city == "Казань"
        assert unseal(url.strip("/").rpartition("/")[2], [settings.SECRET_KEY.encode()]) == ROW.id

    def test_carry_the_postal_address_as_it_is(self, db, settings):
        settings.POSTAL_ADDRESS = "Smith & Sons <Ltd>, {{ street }}"
        anna = make_user()
        message = make_message(anna, text="Hello", html="<p>Hello</p>")
        mailing = make_mailing(anna, lists=[make_list(anna, [make_client(anna)])], message=message)

        letter = read(Letters(operations.launch(mailing.pk, anna)).fill(ROW))

        assert "Smith & Sons <Ltd>, {{ street }}" in letter.get_body(("plain",)).get_content().splitlines()
        assert "<p>Smith &amp; Sons &lt;Ltd&gt;, {{ street }} <a" in letter.get_body(("html",)).get_content()

    def test_are_dated_when_they_are_filled(self, letters):
        before = datetime.now(UTC).replace(microsecond=0)

        date = read(letters.fill(ROW))["Date"].datetime

        assert before <= date <= datetime.now(UTC)
        assert date.utcoffset() == datetime.now(letters.zone).utcoffset()

    def test_are_dated_anew_each_second(self, letters):
        first, same, second = (
            _moment(moment, letters.zone) for moment in (1_900_000_000, 1_900_000_000, 1_900_000_001)
        )

        assert first is same
        assert second - first == timedelta(seconds=1)
