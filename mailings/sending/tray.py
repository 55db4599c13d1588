"""Keeps the letters of a pool: those waiting, how many are on their way, and the results nobody has fetched yet."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from mailings.sending.letter import Letter, Result, fault_in
from mailings.sending.verdict import BAD_DATA, RECALLED, TOO_BIG, Outcome, Reply, Scope, Stage, Verdict

MAX_HANDOVERS: Final = 3

# Bound once: each look into an enum class costs a letter more than the comparison.
_UNDECIDED: Final = Outcome.RETURNED, Outcome.UNKNOWN
_ACCOUNT: Final = Scope.ACCOUNT
_NOTHING_SAID: Final = Reply(0, "", "")


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

    def take(self, now: float, size: int | None) -> Letter | None:
        """Give out the next letter that may be sent; from now on it is in flight. Those that may not are ended.

        :param size: the most octets the server takes; 0 and ``None`` are no limit.
        """
        while self.waiting:
            letter = self.waiting.popleft()
            self.in_flight += 1
            if now >= letter.not_after:
                self.settle(letter, Stage.LOCAL, _NOTHING_SAID, RECALLED)
            elif fault := fault_in(letter):
                self.settle(letter, Stage.LOCAL, Reply(0, "", fault), BAD_DATA)
            elif size and len(letter.data) > size:
                limit = f"{len(letter.data)} octets; the server takes {size}"
                self.settle(letter, Stage.LOCAL, Reply(0, "", limit), TOO_BIG)
            else:
                return letter
        return None

    def settle(self, letter: Letter, stage: Stage, reply: Reply, verdict: Verdict) -> None:
        """End a letter that was in flight. When the fault is the account's, all that wait come back with it."""
        self.in_flight -= 1
        if verdict.outcome not in _UNDECIDED:
            self.decided += 1
        if self._returns:
            self._returns.pop(letter.key, None)
        self.results.append(Result.of(letter, stage, reply, verdict))
        if verdict.scope is _ACCOUNT:
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
        self.results += [Result.of(letter, stage, reply, verdict) for letter in self.waiting]
        self.waiting.clear()
        if not self.in_flight:
            self._returns.clear()

    def recall(self) -> None:
        """End all letters that were not handed over, because the caller wants them back."""
        self.return_waiting(Stage.LOCAL, _NOTHING_SAID, RECALLED)

    def fetch(self) -> list[Result]:
        """Give out the results, once."""
        results, self.results = self.results, []
        return results
