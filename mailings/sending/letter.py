"""A letter to be handed over, and what became of it."""

import re
from dataclasses import dataclass
from typing import Final

from mailings.sending.header import is_safe_address
from mailings.sending.verdict import Outcome, Reason, Scope, Stage

_UNSTUFFED: Final = re.compile(rb"\n\.(?!\.)")


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter for one recipient: ``data`` has CRLF line ends and stuffed dots, and is without the final dot.

    ``key`` is the caller's own and comes back in the result. ``not_after``, on the pool's clock, is when the caller's
    right to send it ends: a letter not handed over by then comes back as if it had been recalled.
    """

    key: int
    sender: str
    recipient: str
    data: bytes
    not_after: float = float("inf")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one letter; the fields are those of the verdict and of the reply it was read from."""

    key: int
    outcome: Outcome
    scope: Scope
    reason: Reason
    stage: Stage
    code: int
    enhanced: str
    answer: str
    pauses: bool
    suppress: bool
    retry_account_after: int | None


def fault_in(letter: Letter) -> str:
    """Return what makes a letter unfit for any server, or nothing.

    An address with a line end in it would be a command of its own; a bare dot would end the text early (smuggling).
    """
    if not is_safe_address(letter.recipient) or not is_safe_address(letter.sender):
        return "the address cannot stand in an SMTP command"
    if not letter.data.endswith(b"\r\n"):
        return "the text does not end with a line end"
    if letter.data.startswith(b".") or _UNSTUFFED.search(letter.data):
        return "a line of the text is a bare dot"
    return ""
