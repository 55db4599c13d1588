"""What the mail server is told to do wrong, and when to send a signal to whoever writes to it."""

from __future__ import annotations

from dataclasses import dataclass

FOR_EVER = 1e9


@dataclass
class Rule:
    """What is done at a stage instead of taking it well; an empty `match` is for every recipient.

    Stages are those of the session; "text" hangs up in the middle of one. `every`: only the n-th time, 2n-th, …
    `times`: so often, then no more. `keep`: the letter counts (at "dot" only). `delay`: seconds before the answer;
    `FOR_EVER` holds it until the control says "release". `drip`: seconds after each octet of it.
    """

    stage: str
    match: str = ""
    say: str = ""
    keep: bool = True
    close: bool = False
    delay: float = 0.0
    drip: float = 0.0
    every: int = 1
    times: int = -1
    seen: int = 0

    def applies(self, recipient: bytes) -> bool:
        if not self.times or (self.match and self.match.encode() not in recipient):
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.times -= 1
        return True


@dataclass
class Signal:
    """A signal to a process when the n-th letter has come in whole, before it is answered, or so much later."""

    pid: int
    at: int
    signal: int
    delay: float = 0.0
