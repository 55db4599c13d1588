"""Stops a mailing that goes wrong for many: a message that is taken for spam, a list full of dead addresses."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from mailings.models import Mailing
from mailings.sending.letter import Result
from mailings.sending.reply import Outcome, Scope

Pause = Mailing.PauseReason

# So many letters in a row refused for what is in them.
MESSAGES_IN_A_ROW = 3
# So many of the last hundred recipients refused: receivers block senders who keep on at dead addresses.
LOOKED_AT = 100
REFUSED = 30


class Breaker:
    """Counts afresh in each pass, so that whoever resumes the mailing is believed for a while."""

    def __init__(self) -> None:
        self.in_a_row = 0
        self.latest: deque[bool] = deque(maxlen=LOOKED_AT)

    def trips(self, results: Sequence[Result]) -> tuple[str, str] | None:
        """Take answers in, and return the reason for a pause with the server's words, if there is one."""
        for result in results:
            if reason := self.judge(result):
                return reason, result.answer
        return None

    def judge(self, result: Result) -> str:
        if result.outcome not in (Outcome.ACCEPTED, Outcome.REFUSED):
            return ""
        is_refused = result.outcome == Outcome.REFUSED
        self.in_a_row = self.in_a_row + 1 if is_refused and result.scope == Scope.MESSAGE else 0
        self.latest.append(is_refused)
        if self.in_a_row >= MESSAGES_IN_A_ROW:
            return Pause.MESSAGE.value
        if len(self.latest) == LOOKED_AT and sum(self.latest) >= REFUSED:
            return Pause.REFUSALS.value
        return ""
