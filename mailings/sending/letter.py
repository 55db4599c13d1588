"""A letter to be handed over, and what became of it: tuples, which are made in half the time of a frozen dataclass."""

import re
from typing import Final, NamedTuple, Self

from mailings.sending.header import is_safe_address
from mailings.sending.verdict import Outcome, Reason, Reply, Scope, Stage, Verdict

_UNSTUFFED: Final = re.compile(rb"\n\.(?!\.)")


class Letter(NamedTuple):
    """One letter for one recipient: ``data`` has CRLF line ends and stuffed dots, and is without the final dot.

    ``key`` is the caller's own and comes back in the result. ``not_after``, on the pool's clock, is when the caller's
    right to send it ends: a letter not handed over by then comes back as if it had been recalled.
    """

    key: int
    sender: str
    recipient: str
    data: bytes
    not_after: float = float("inf")


class Result(NamedTuple):
    """What became of one letter; the fields are those of the verdict and of the reply it was read from."""

    key: int
    stage: Stage
    code: int
    enhanced: str
    answer: str
    outcome: Outcome
    scope: Scope
    reason: Reason
    pauses: bool
    retry_account_after: int | None
    suppress: bool

    @classmethod
    def of(cls, letter: Letter, stage: Stage, reply: Reply, verdict: Verdict) -> Self:
        """Put together what is known of a letter."""
        code, enhanced, answer = reply
        return cls(letter.key, stage, code, enhanced, answer, *verdict)


def fault_in(letter: Letter) -> str:
    """Return what makes a letter unfit for any server, or nothing.

    An address with a line end in it would be a command of its own; a bare dot would end the text early (smuggling).
    """
    if not is_safe_address(letter.recipient) or not is_safe_address(letter.sender):
        return "the address cannot stand in an SMTP command"
    if not letter.data.endswith(b"\r\n"):
        return "the text does not end with a line end"
    last_dot = letter.data.rfind(b".")  # in a letter of ours that is the last header's: the text is base64
    if letter.data.startswith(b".") or _UNSTUFFED.search(letter.data, 0, last_dot + 1):
        return "a line of the text is a bare dot"
    return ""
