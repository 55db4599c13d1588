"""The words in which an answer of a mail server is told: stage, reply, outcome, scope, reason; it judges nothing.

Replies and verdicts are tuples: one of each goes into every result, thousands of times a second.
"""

from enum import StrEnum
from typing import Final, NamedTuple

RETRY_SOON: Final = 30  # seconds


class Stage(StrEnum):
    """How far the session was; ``DOT`` is the end of the text, ``LOCAL`` before any of it."""

    LOCAL = "local"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    EHLO = "ehlo"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class Outcome(StrEnum):
    """What became of one letter.

    ``RETURNED``: nothing was decided about this recipient, the fault was the account's or the line's, and the server
    has not got the text; he goes back to pending and it was not a try. ``UNKNOWN``: the server may have the text.
    """

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RETURNED = "returned"


class Scope(StrEnum):
    """Whose matter it is: the recipient's alone, every letter like this one's, the mail account's, or the line's."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    ACCOUNT = "account"
    CONNECTION = "connection"


class Reason(StrEnum):
    """Short codes, at most 20 characters; the sentences for people are made where they are shown."""

    ACCEPTED = "accepted"
    NO_SUCH_ADDRESS = "no_such_address"
    ADDRESS_REJECTED = "address_rejected"
    MAILBOX_FULL = "mailbox_full"
    GREYLISTED = "greylisted"
    TEMPORARY = "temporary"
    POLICY = "policy"
    SPAM = "spam"
    MESSAGE_REJECTED = "message_rejected"
    TOO_BIG = "too_big"
    BAD_DATA = "bad_data"
    QUOTA = "quota"
    RATE = "rate"
    LOGIN = "login"
    ACCOUNT_BLOCKED = "account_blocked"
    SENDER_REJECTED = "sender_rejected"
    RELAY_DENIED = "relay_denied"
    TLS = "tls"
    NO_CONNECTION = "no_connection"
    LOST_CONNECTION = "lost_connection"
    NO_ANSWER = "no_answer"
    SERVER_BUSY = "server_busy"
    SERVER_REFUSES = "server_refuses"
    PROTOCOL = "protocol"
    RECALLED = "recalled"


class Reply(NamedTuple):
    """One answer; code 0 when the server said nothing that could be read as one."""

    code: int
    enhanced: str
    text: str


class Verdict(NamedTuple):
    """What an answer means. ``retry_account_after``: seconds in which the account is better left alone."""

    outcome: Outcome
    scope: Scope
    reason: Reason
    pauses: bool = False
    retry_account_after: int | None = None
    suppress: bool = False


ACCEPTED: Final = Verdict(Outcome.ACCEPTED, Scope.RECIPIENT, Reason.ACCEPTED)
BAD_DATA: Final = Verdict(Outcome.REFUSED, Scope.RECIPIENT, Reason.BAD_DATA)
TOO_BIG: Final = Verdict(Outcome.RETURNED, Scope.MESSAGE, Reason.TOO_BIG, pauses=True)
RECALLED: Final = Verdict(Outcome.RETURNED, Scope.CONNECTION, Reason.RECALLED)
UNANSWERED: Final = Verdict(Outcome.UNKNOWN, Scope.CONNECTION, Reason.NO_ANSWER)
LOST: Final = Verdict(Outcome.RETURNED, Scope.CONNECTION, Reason.LOST_CONNECTION)
TIMED_OUT: Final = Verdict(Outcome.RETURNED, Scope.CONNECTION, Reason.NO_ANSWER)
NO_CONNECTION: Final = Verdict(Outcome.RETURNED, Scope.ACCOUNT, Reason.NO_CONNECTION, retry_account_after=RETRY_SOON)
SERVER_BUSY: Final = Verdict(Outcome.RETURNED, Scope.ACCOUNT, Reason.SERVER_BUSY, retry_account_after=RETRY_SOON)
NO_TLS: Final = Verdict(Outcome.RETURNED, Scope.ACCOUNT, Reason.TLS, pauses=True)
NO_LOGIN: Final = Verdict(Outcome.RETURNED, Scope.ACCOUNT, Reason.LOGIN, pauses=True)
