"""Reads what a mail server answered and says what it means for the recipient, the message, the account and the line.

The first digit does not decide: Gmail says "quota" with 550 5.4.5 and SES with 454. Stage, code, enhanced code
(RFC 3463) and text do, in this order, by one table: ``RULES``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailings.sending.verdict import (
    ACCEPTED,
    BAD_DATA,
    NO_CONNECTION,
    NO_LOGIN,
    NO_TLS,
    RETRY_SOON,
    SERVER_BUSY,
    TOO_BIG,
    UNANSWERED,
    Outcome,
    Reason,
    Reply,
    Scope,
    Stage,
    Verdict,
)

__all__ = ["RULES", "Outcome", "Reason", "Reply", "Rule", "Scope", "Stage", "Verdict", "classify", "parse_reply"]

MAX_TEXT: Final = 2048

_ENHANCED: Final = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|\Z)")
_ADDRESS: Final = re.compile(r"[^\s@]{1,80}@\S*")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: where it applies, patterns for code, enhanced code and text (empty is any), the verdict."""

    stages: frozenset[Stage]
    code: re.Pattern[str]
    enhanced: re.Pattern[str]
    text: re.Pattern[str]
    verdict: Verdict

    def fits(self, stage: Stage, reply: Reply) -> bool:
        """Tell whether the row speaks about this answer."""
        return (
            stage in self.stages
            and self.code.match(f"{reply.code:03}") is not None
            and self.enhanced.match(reply.enhanced) is not None
            and self.text.search(reply.text) is not None
        )


def parse_reply(lines: Sequence[bytes]) -> Reply:
    """Read the lines of one reply (RFC 5321 4.2.1), without their ends; the enhanced code is taken out of the text.

    Text that is not UTF-8 is read as well as can be. Control characters and what is beyond 2 048 characters go.
    """
    texts: list[str] = []
    code, enhanced = 0, ""
    for line in lines:
        if not line[:3].isdigit() or line[3:4] not in (b"", b" ", b"-"):
            return Reply(0, "", _printable(b" ".join(lines).decode("utf-8", "replace")))
        code = int(line[:3])
        text = line[4:].decode("utf-8", "replace")
        if found := _ENHANCED.match(text):
            enhanced, text = found[1], text[found.end() :]
        texts.append(text)
    return Reply(code, enhanced, _printable(" ".join(texts)))


def _printable(text: str) -> str:
    if text.isprintable() and len(text) <= MAX_TEXT:
        return text.strip()
    return _UNPRINTABLE.sub(" ", text[: 2 * MAX_TEXT]).strip()[:MAX_TEXT]


def classify(stage: Stage, reply: Reply) -> Verdict:
    """Return what the answer means: the verdict of the first row that fits.

    Addresses are left out of the text first: a refusal of ``daily-limit@…`` must not pause the account.
    """
    bare = reply._replace(text=_ADDRESS.sub(" ", reply.text))
    return next(rule.verdict for rule in RULES if rule.fits(stage, bare))


def _row(stages: str, code: str, enhanced: str, text: str, verdict: Verdict) -> Rule:
    where = frozenset(Stage(name) for name in stages.lower().split()) or frozenset(Stage)
    patterns = re.compile(code), re.compile(f"(?:{enhanced})\\Z" if enhanced else ""), re.compile(text, re.IGNORECASE)
    return Rule(where, *patterns, verdict)


_R, _M, _A, _C = Scope.RECIPIENT, Scope.MESSAGE, Scope.ACCOUNT, Scope.CONNECTION
_QUARTER_HOUR, _DAY = 900, 86400

_HANGS_UP: Final = Verdict(Outcome.RETURNED, _C, Reason.SERVER_BUSY)
_CONFUSED: Final = Verdict(Outcome.RETURNED, _C, Reason.PROTOCOL)
_REFUSES: Final = Verdict(Outcome.RETURNED, _A, Reason.SERVER_REFUSES, pauses=True)
_LOGIN_LATER: Final = Verdict(Outcome.RETURNED, _A, Reason.LOGIN, retry_account_after=_QUARTER_HOUR)
_QUOTA: Final = Verdict(Outcome.RETURNED, _A, Reason.QUOTA, pauses=True, retry_account_after=_DAY)
_RATE: Final = Verdict(Outcome.RETURNED, _A, Reason.RATE, retry_account_after=RETRY_SOON)
_BLOCKED: Final = Verdict(Outcome.RETURNED, _A, Reason.ACCOUNT_BLOCKED, pauses=True)
_SENDER: Final = Verdict(Outcome.RETURNED, _A, Reason.SENDER_REJECTED, pauses=True)
_RELAY: Final = Verdict(Outcome.RETURNED, _A, Reason.RELAY_DENIED, pauses=True)
_NOBODY: Final = Verdict(Outcome.REFUSED, _R, Reason.NO_SUCH_ADDRESS, suppress=True)
_FULL: Final = Verdict(Outcome.REFUSED, _R, Reason.MAILBOX_FULL)
_FULL_NOW: Final = Verdict(Outcome.DEFERRED, _R, Reason.MAILBOX_FULL)
_GREYLISTED: Final = Verdict(Outcome.DEFERRED, _R, Reason.GREYLISTED)
_LATER: Final = Verdict(Outcome.DEFERRED, _R, Reason.TEMPORARY)
_POLICY: Final = Verdict(Outcome.REFUSED, _R, Reason.POLICY)
_REJECTED: Final = Verdict(Outcome.REFUSED, _R, Reason.ADDRESS_REJECTED)
_TEXT_LATER: Final = Verdict(Outcome.DEFERRED, _M, Reason.TEMPORARY)
_SPAM: Final = Verdict(Outcome.REFUSED, _M, Reason.SPAM)
_TEXT_POLICY: Final = Verdict(Outcome.REFUSED, _M, Reason.POLICY)
_TEXT_REJECTED: Final = Verdict(Outcome.REFUSED, _M, Reason.MESSAGE_REJECTED)

_BUSY_TEXT: Final = r"throttl|sending rate|rate limit|too many (?:messages|connections|emails)|slow down"
_SENT_ENOUGH_TEXT: Final = (
    r"(?:daily|hourly|24.hour)\b.{0,40}(?:limit|quota)|(?:sending|message|outgoing) (?:limit|quota)|лимит.{0,20}отправ"
)
_QUOTA_TEXT: Final = r"quota exceeded|exceeded.{0,40}quota|превышен"
_FULL_TEXT: Final = (
    r"(?:mailbox|inbox|disk|storage|user|recipient).{0,40}(?:\bfull|quota)|over ?quota|out of storage"
    r"|ящик.{0,30}(?:переполнен|заполнен|превышен)|превышен.{0,30}ящик"
)
_NOBODY_TEXT: Final = (
    r"no such (?:user|recipient|mailbox|address)|unknown (?:user|recipient|local part)"
    r"|(?:user|recipient|address|mailbox|account).{0,40}(?:unknown|not found|does(?:n't| not) exist|не существует)"
    r"|нет такого|не существует"
)
_RELAY_TEXT: Final = r"relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed)|(?:unable|not permitted) to relay"
_LOGIN_TEXT: Final = r"authentication (?:is )?required|must (?:be authenticated|authenticate)|not authenticated"
_BLOCKED_TEXT: Final = r"(?:sending|account).{0,60}(?:is |been )?(?:disabled|blocked|suspended)"
_SPAM_TEXT: Final = r"spam|bulk|unsolicited|blacklist|blocklist|reputation"
_SENDER_TEXT: Final = r"not owned by|sender (?:address )?(?:rejected|denied)|not allowed to send as"

# Top to bottom, the first row that fits decides: email.md 2.2 row by row, what is narrow before what is wide.
RULES: Final = (
    # stages, code, enhanced code, text, verdict
    _row("LOCAL", "", "", "", BAD_DATA),
    _row("DOT", "2", "", "", ACCEPTED),
    # 3yz, 1yz and what is no reply at all: after the dot nobody can tell what became of the text.
    _row("DOT", "[^45]", "", "", UNANSWERED),
    # Before a letter
    _row("CONNECT", "", "", "", NO_CONNECTION),
    _row("TLS", "", "", "", NO_TLS),
    _row("GREETING EHLO", "5", "", "", _REFUSES),
    _row("GREETING EHLO", "", "", "", SERVER_BUSY),
    _row("AUTH", "5", "", "", NO_LOGIN),
    _row("AUTH", "4", "", "", _LOGIN_LATER),
    _row("AUTH", "", "", "", SERVER_BUSY),
    # Full mailboxes and used-up quotas share their words
    _row("RCPT DATA DOT", "4", r"4\.2\.2", "", _FULL_NOW),
    _row("RCPT DATA DOT", "5", r"5\.2\.2", "", _FULL),
    _row("MAIL RCPT DATA DOT", "[45]", r"[45]\.4\.5", "", _QUOTA),
    _row("MAIL RCPT DATA DOT", "[45]", "", _SENT_ENOUGH_TEXT, _QUOTA),
    _row("RCPT DATA DOT", "4", "", _FULL_TEXT, _FULL_NOW),
    _row("RCPT DATA DOT", "5", "", _FULL_TEXT, _FULL),
    _row("MAIL RCPT DATA DOT", "[45]", "", _QUOTA_TEXT, _QUOTA),
    # The line
    _row("MAIL RCPT DATA DOT", "421", "", "", _HANGS_UP),
    _row("MAIL RCPT DATA DOT", "4", r"4\.4\.2", "", _HANGS_UP),
    _row("MAIL RCPT DATA", "503", "", "", _CONFUSED),
    _row("MAIL RCPT DATA", "[^45]", "", "", _CONFUSED),
    # The message's size: Postfix says it at MAIL, others after the text
    _row("MAIL RCPT DATA DOT", "5", r"5\.3\.4|5\.2\.3", "", TOO_BIG),
    _row("MAIL", "552", "", "", TOO_BIG),
    _row("DATA DOT", "552", "", "size|big|large", TOO_BIG),
    # MAIL
    _row("MAIL", "4", "", "", _RATE),
    _row("MAIL RCPT DATA DOT", "530", "", "", NO_LOGIN),
    _row("MAIL", "5", "", _LOGIN_TEXT, NO_LOGIN),
    _row("MAIL", "5", "", "", _SENDER),
    # RCPT, and the DATA command like it
    _row("RCPT DATA DOT", "4", "", _BUSY_TEXT, _RATE),
    _row("RCPT DATA", "452", r"4\.5\.3", "", _RATE),
    _row("RCPT DATA", "4", r"4\.7\.1|4\.2\.0", "", _GREYLISTED),
    _row("RCPT DATA DOT", "4", "", "gr[ea]ylist", _GREYLISTED),
    _row("RCPT DATA", "4", "", "", _LATER),
    _row("RCPT DATA DOT", "5", r"5\.1\.[78]", "", _SENDER),
    _row("RCPT DATA", "5", "", _SENDER_TEXT, _SENDER),
    _row("RCPT DATA", "5", "", _RELAY_TEXT, _RELAY),
    _row("RCPT DATA", "5", "", _LOGIN_TEXT, _RELAY),
    _row("RCPT DATA DOT", "5", r"5\.1\.1|5\.1\.10", "", _NOBODY),
    _row("RCPT DATA", "5", r"5\.2\.1", "receiving mail", _REJECTED),  # Gmail: too much mail for him at the moment
    _row("RCPT DATA", "55[013]", r"5\.1\.\d+|5\.2\.1", "", _NOBODY),
    _row("RCPT DATA", "55[013]", r"|5\.[0-6]\.\d+", _NOBODY_TEXT, _NOBODY),
    _row("RCPT DATA", "552", "", "", _FULL),
    _row("RCPT DATA", "5", r"5\.7\.\d+", "", _POLICY),
    _row("RCPT DATA", "5", "", "", _REJECTED),
    # The dot
    _row("DOT", "4", "", "", _TEXT_LATER),
    _row("DOT", "5", "", _BLOCKED_TEXT, _BLOCKED),
    _row("DOT", "5", r"5\.7\.515|5\.6\.\d+|5\.9\.9", "", _SPAM),
    _row("DOT", "5", "", _SPAM_TEXT, _SPAM),
    _row("DOT", "5", r"5\.7\.\d+", "", _TEXT_POLICY),
    _row("", "", "", "", _TEXT_REJECTED),
)
