"""Keeps the letters of a pool: those waiting, how many are on their way, and the results nobody has fetched yet."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from mailings.sending.letter import Letter, Result
from mailings.sending.verdict import RECALLED, Outcome, Reply, Scope, Stage, Verdict

MAX_HANDOVERS: Final = 3


class Tray:
    """Every letter that comes in leaves as exactly one result."""

    __slots__ = ("_returns", "decided", "in_flight", "results", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Letter] = deque()
        self.in_flight = 0
        self.results: list[Result] = []
        self.decided = 0
        self._returns: Counter[int] = Counter()

    def add(self, letters: Iterable[Letter]) -> None:
        """Take letters in."""
        self.waiting.extend(letters)

    def take(self) -> Letter | None:
        """Give out the next letter; from now on it is in flight."""
        if not self.waiting:
            return None
        self.in_flight += 1
        return self.waiting.popleft()

    def settle(self, letter: Letter, stage: Stage, reply: Reply, verdict: Verdict) -> None:
        """End a letter that was in flight. When the fault is the account's, all that wait come back with it."""
        self.in_flight -= 1
        if verdict.outcome is not Outcome.RETURNED and verdict.outcome is not Outcome.UNKNOWN:
            self.decided += 1
        self._returns.pop(letter.key, None)
        self.results.append(_result(letter, stage, reply, verdict))
        if verdict.scope is Scope.ACCOUNT:
            self.return_waiting(stage, reply, verdict)

    def put_back(self, letter: Letter, stage: Stage, reply: Reply, verdict: Verdict) -> None:
        """Let a letter in flight wait again, before all others; at the third time it comes back with the verdict."""
        self._returns[letter.key] += 1
        if self._returns[letter.key] >= MAX_HANDOVERS:
            self.settle(letter, stage, reply, verdict)
        else:
            self.in_flight -= 1
            self.waiting.appendleft(letter)

    def return_waiting(self, stage: Stage, reply: Reply, verdict: Verdict) -> None:
        """End all letters that were not handed over."""
        self.results += [_result(letter, stage, reply, verdict) for letter in self.waiting]
        self.waiting.clear()
        if not self.in_flight:
            self._returns.clear()

    def recall(self) -> None:
        """End all letters that were not handed over, because the caller wants them back."""
        self.return_waiting(Stage.LOCAL, Reply(0, "", ""), RECALLED)

    def fetch(self) -> list[Result]:
        """Give out the results, once."""
        results, self.results = self.results, []
        return results


def _result(letter: Letter, stage: Stage, reply: Reply, verdict: Verdict) -> Result:
    return Result(
        key=letter.key,
        outcome=verdict.outcome,
        scope=verdict.scope,
        reason=verdict.reason,
        stage=stage,
        code=reply.code,
        enhanced=reply.enhanced,
        answer=reply.text,
        pauses=verdict.pauses,
        suppress=verdict.suppress,
        retry_account_after=verdict.retry_account_after,
    )
