"""What is said before the first letter: greeting, EHLO, STARTTLS, AUTH. It asks and listens; others own the socket."""

from base64 import b64encode
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

from mailings.sending.account import Account, Security
from mailings.sending.reply import classify, parse_reply
from mailings.sending.verdict import NO_LOGIN, NO_TLS, Reply, Stage, Verdict

_INVITES: Final = 3  # RFC 4954 4: 334 asks for the next line of an AUTH


class Hangup(Exception):
    """The connection cannot be used any longer: at what stage, what was said, what it means."""

    def __init__(self, stage: Stage, reply: Reply, verdict: Verdict) -> None:
        super().__init__(f"{stage}: {reply.text}")
        self.stage = stage
        self.reply = reply
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Ask:
    """A command to be sent (none: only listen), and the stage its answer belongs to."""

    stage: Stage
    command: bytes = b""


UPGRADE: Final = Ask(Stage.TLS)
"""Instead of sending anything, turn the line into a TLS line and forget whatever was read of it before."""

Lines = Sequence[bytes]
Dialogue = Generator[Ask, Lines, "Features"]


@dataclass(frozen=True, slots=True)
class Features:
    """What the server announced; ``size`` is its limit in octets (RFC 1870), 0 for none given, ``None`` for no SIZE."""

    pipelining: bool = False
    size: int | None = None
    starttls: bool = False
    mechanisms: frozenset[str] = frozenset()


def introduce(account: Account, *, is_loopback: bool) -> Dialogue:
    """Speak with a server up to where it takes letters; yield what to send, receive the lines of each answer.

    :param is_loopback: whether the peer is this machine: only then is a password sent over an unprotected line.
    :raises Hangup: when the server, or our own rules, end it.
    """
    if account.security is Security.TLS:
        yield UPGRADE
    _expect(Stage.GREETING, (yield Ask(Stage.GREETING)))
    features = yield from _greet(account)
    if account.security is Security.STARTTLS:
        if not features.starttls:
            raise Hangup(Stage.TLS, Reply(0, "", "the server does not offer STARTTLS"), NO_TLS)
        _expect(Stage.TLS, (yield Ask(Stage.TLS, b"STARTTLS\r\n")))
        yield UPGRADE
        features = yield from _greet(account)  # RFC 3207 4.2: what was announced before does not count
    if account.username:
        if account.security is Security.PLAIN and not is_loopback:
            raise Hangup(Stage.AUTH, Reply(0, "", "the password is not sent over an unprotected line"), NO_TLS)
        yield from _log_in(account, features)
    return features


def _greet(account: Account) -> Dialogue:
    lines = yield Ask(Stage.EHLO, f"EHLO {account.helo}\r\n".encode("ascii", "replace"))
    _expect(Stage.EHLO, lines)
    return read_features(lines)


def read_features(lines: Lines) -> Features:
    """Read the lines of an answer to EHLO (RFC 5321 4.1.1.1)."""
    words = [line[4:].decode("ascii", "replace").upper().split() for line in lines[1:]]
    offers = {line[0]: line[1:] for line in words if line}
    size = offers.get("SIZE")
    return Features(
        pipelining="PIPELINING" in offers,
        size=None if size is None else int(size[0]) if size and size[0].isdecimal() else 0,
        starttls="STARTTLS" in offers,
        mechanisms=frozenset(offers.get("AUTH", ())),
    )


def _log_in(account: Account, features: Features) -> Generator[Ask, Lines, None]:
    """Log in once, by one mechanism: a second try by another would count as a second wrong password."""
    if "PLAIN" in features.mechanisms:
        secret = _base64(f"\0{account.username}\0{account.password}")
        _expect(Stage.AUTH, (yield Ask(Stage.AUTH, b"AUTH PLAIN " + secret + b"\r\n")))
    elif "LOGIN" in features.mechanisms:
        _expect(Stage.AUTH, (yield Ask(Stage.AUTH, b"AUTH LOGIN\r\n")), _INVITES)
        _expect(Stage.AUTH, (yield Ask(Stage.AUTH, _base64(account.username) + b"\r\n")), _INVITES)
        _expect(Stage.AUTH, (yield Ask(Stage.AUTH, _base64(account.password) + b"\r\n")))
    else:
        raise Hangup(Stage.AUTH, Reply(0, "", "the server offers no login by PLAIN or LOGIN"), NO_LOGIN)


def _base64(text: str) -> bytes:
    return b64encode(text.encode())  # RFC 4616 2: UTF-8


def _expect(stage: Stage, lines: Lines, first_digit: int = 2) -> None:
    reply = parse_reply(lines)
    if reply.code // 100 != first_digit:
        raise Hangup(stage, reply, classify(stage, reply))
