"""One letter on its way through one connection: what its refusals mean, and what becomes of it when the line breaks."""

from enum import IntEnum
from typing import Final

from mailings.sending.account import Policy
from mailings.sending.handshake import Hangup
from mailings.sending.letter import Letter
from mailings.sending.reply import classify
from mailings.sending.tray import Tray
from mailings.sending.verdict import LOST, UNANSWERED, Outcome, Reply, Scope, Stage, Verdict

CLOSING: Final = 421
QUIT_SECONDS: Final = 1.0


class Step(IntEnum):
    """What a reply is awaited for; ``CLEAR`` is a RSET or a lone dot."""

    MAIL = 0
    RCPT = 1
    DATA = 2
    DOT = 3
    CLEAR = 4
    QUIT = 5


# By step. (A dictionary would hash the member each time, which takes an enum longer than all the rest.)
STAGES: Final = (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT, Stage.MAIL, Stage.MAIL)


class Transaction:
    """One letter under way; ``dot_at`` is where in the stream its final dot begins, ``refusal`` what ended it early."""

    __slots__ = ("dot_at", "letter", "refusal", "started_at")

    def __init__(self, letter: Letter, now: float) -> None:
        self.letter = letter
        self.started_at = now
        self.dot_at = 0
        self.refusal: tuple[Stage, Reply, Verdict] | None = None

    def refuse(self, stage: Stage, reply: Reply) -> None:
        """Take in a refusal of the envelope; what is refused after it is only its echo.

        :raises Hangup: when it is the end of the connection.
        """
        if self.refusal is None:
            verdict = classify(stage, reply)
            if verdict.scope is Scope.CONNECTION:
                raise Hangup(stage, reply, verdict)
            self.refusal = stage, reply, verdict
        elif reply.code == CLOSING:
            raise Hangup(stage, reply, LOST)

    def refuse_text(self, reply: Reply, tray: Tray) -> None:
        """Decide the letter by an answer to its final dot that is not a yes.

        :raises Hangup: when it is the end of the connection; the letter is decided all the same.
        """
        verdict = classify(Stage.DOT, reply)
        if verdict.scope is Scope.CONNECTION and verdict.outcome is not Outcome.UNKNOWN:
            tray.put_back(self.letter, Stage.DOT, reply, verdict)
        else:
            tray.settle(self.letter, Stage.DOT, reply, verdict)
        if verdict.scope is Scope.CONNECTION:
            raise Hangup(Stage.DOT, reply, LOST)

    def abandon(self, tray: Tray, hangup: Hangup, exposed: int, *, is_first: bool) -> None:
        """Decide the letter of a connection that broke.

        :param exposed: octets of the session that may have left this machine. A text whose dot is beyond them cannot
            have been taken; one whose dot is among them is in doubt for ever (RFC 1047).
        :param is_first: whether that connection never had a letter before this one.
        """
        if self.refusal is not None:
            tray.settle(self.letter, *self.refusal)
        elif self.dot_at and exposed > self.dot_at:
            tray.settle(self.letter, Stage.DOT, hangup.reply, UNANSWERED)
        elif self.dot_at:
            tray.settle(self.letter, Stage.DATA, hangup.reply, hangup.verdict)
        elif is_first and not hangup.reply.code:
            # A line that never worked: whether to try another is for the caller to judge.
            tray.settle(self.letter, hangup.stage, hangup.reply, hangup.verdict)
        else:
            tray.put_back(self.letter, hangup.stage, hangup.reply, hangup.verdict)


def times_by_step(policy: Policy) -> tuple[float, ...]:
    """Return the seconds allowed for each step's reply, by step."""
    envelope = policy.envelope_seconds
    return envelope, envelope, policy.data_seconds, policy.dot_seconds, envelope, QUIT_SECONDS
