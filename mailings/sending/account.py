"""Describes the mail account and how hard it may be used; holds no connection and reads no setting."""

import ssl
from dataclasses import dataclass, field
from enum import StrEnum


class Security(StrEnum):
    """How the line is protected; what is asked for and not to be had is a failure, never a plain line instead."""

    PLAIN = "plain"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Account:
    """Where letters are handed over, and as whom; ``helo`` is our own full host name (RFC 5321 4.1.1.1)."""

    host: str
    port: int
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    helo: str = "localhost"
    tls_context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How connections are used. Times are seconds; those of RFC 5321 4.5.3.2 are minutes, which a mailing has not got.

    ``letters_per_connection`` 0 is no limit. ``refusals_per_connection`` counts refusing replies in a row: Postfix
    slows down after ten errors and hangs up after twenty. ``opening_seconds`` and ``letter_seconds`` bound a whole
    opening and a whole letter, so that a server that drips bytes cannot hold them for ever.
    """

    connections: int = 10
    letters_per_connection: int = 100
    seconds_per_connection: float = 300
    refusals_per_connection: int = 9
    idle_seconds: float = 5
    pipelining: bool = True
    connect_seconds: float = 20
    tls_seconds: float = 30
    dialogue_seconds: float = 60
    envelope_seconds: float = 60
    data_seconds: float = 60
    block_seconds: float = 60
    dot_seconds: float = 300
    letter_seconds: float = 420
    opening_seconds: float = 120
