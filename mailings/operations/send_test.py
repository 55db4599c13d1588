"""A test letter: what a client would get, to any address, marked as a test. It is no delivery: no sum counts it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import journal
from accounts.models import User
from mailings import acts
from mailings.models import Client, Message
from mailings.operations.deliver import account
from mailings.operations.pace import room_for, spend
from mailings.operations.preview import contents, fill_for, letters_of
from mailings.operations.refusal import NotPossible, OwnerIsBlocked
from mailings.sending.account import Policy
from mailings.sending.address import mask
from mailings.sending.smtp import Letter, Pool, Result

LETTERS_A_MINUTE = 10
# Somebody waits in front of the page, and the web server's patience is half a minute.
SECONDS = 15.0
POLICY = Policy(connections=1, connect_seconds=8, tls_seconds=8, dialogue_seconds=10, opening_seconds=12)


class TooManyTests(NotPossible):
    sentence = _("That is enough test letters for now. Try again in a minute.")


class NoRoomForTest(NotPossible):
    sentence = _("The mail account has sent as much as it may for now. Try again later.")


def send_test(message: Message, client: Client, address: str, by: User) -> Result:
    """Hand over one letter, written as for this client, and wait for the mail server's answer.

    :raises NotPossible: no letter can be made of it, too many were sent, or the sender is blocked.
    """
    letter = compose(message, client, address)
    allow(message, address, by)
    return hand_over(letter)


def compose(message: Message, client: Client, address: str) -> Letter:
    """:raises NotPossible: no letter can be made of it."""
    kept = contents(message, with_files=True)
    kept["subject"] = f"{gettext('[test]')} {kept['subject']}"
    try:
        data = fill_for(letters_of(kept, message.owner), client, address)
    except (ValueError, OSError) as error:
        raise NotPossible(gettext("No letter can be made of it: %(why)s.") % {"why": error}) from error
    return Letter(1, parseaddr(settings.DEFAULT_FROM_EMAIL)[1], address, data)


@transaction.atomic
def allow(message: Message, address: str, by: User) -> None:
    """Write it into the journal, whose lines of the last minute are the count, and into the account's own quota.

    :raises NotPossible: the person is blocked or has sent too many, or the account has no room.
    """
    now = timezone.now()
    by = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if not by.is_active:
        raise OwnerIsBlocked
    if tests_since(by, now - timedelta(minutes=1)) >= LETTERS_A_MINUTE:
        raise TooManyTests
    room = room_for(1, now)
    if not room.letters:
        raise NoRoomForTest
    spend(room, 1, now)
    journal.write(by, message, acts.TESTED(address=mask(address)))


def tests_since(by: User, moment: object) -> int:
    mark = f'{journal.MARK}{acts.TESTED.name}"'
    return LogEntry.objects.filter(user=by, action_time__gt=moment, change_message__startswith=mark).count()


def hand_over(letter: Letter) -> Result:
    pool = Pool(account(), POLICY)
    results = pool.exchange([letter], timeout=SECONDS)
    if not results:
        results = pool.drain(SECONDS)
    # What has no answer by now is decided by closing: unknown if the server may have the text.
    return [*results, *pool.close()][0]
