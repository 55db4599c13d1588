"""One mailing under torture: launched, broken, settled, and held against the mail server's count."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mailings.tests.torture import invariants

if TYPE_CHECKING:
    from mailings.tests.torture.stage import Stage

SETTLED_WITHIN = 90.0
SHOWN = 5


class Violation(AssertionError):
    """An invariant, or what a case expects beyond them, does not hold."""


def wait_for(what: Callable[[], Any], seconds: float = 30.0, every: float = 0.02) -> Any:
    """Call `what` until it returns something true.

    :raises Violation: it does not within so many seconds.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(every)
    raise Violation(f"not within {seconds:.0f} s")


class Trial:
    def __init__(self, stage: Stage, mailing: int) -> None:
        self.stage = stage
        self.sink = stage.sink
        self.mailing = mailing
        self.clerk = stage.clerk

    def do(self, verb: str, **arguments: Any) -> Any:
        return getattr(self.clerk, verb)(mailing=self.mailing, **arguments)

    def dismiss_clerk(self) -> None:
        """Go back to the stage's clerk, where the case had one of its own."""
        if self.clerk is not self.stage.clerk:
            self.stage.kill(self.clerk.process)
            self.clerk = self.stage.clerk

    def look(self) -> dict[str, Any]:
        return self.do("look")

    def launch(self, wakes: int = 1) -> None:
        self.do("launch", wakes=wakes)

    def launch_slowly(self, seconds: float = 0.05) -> None:
        """Launch with a server that answers late, so that there is a middle of the run; wait until it is reached."""
        self.sink.rules({"stage": "dot", "delay": seconds})
        self.stage.ensure_worker()
        self.launch()
        self.wait_for_letters(15)

    def wait_for_letters(self, count: int) -> int:
        return wait_for(lambda: (total := self.sink.look()["total"]) >= count and total, seconds=120)

    def wait_for_held(self, count: int) -> None:
        wait_for(lambda: self.sink.look()["held"] >= count)

    def wait_for_quiet(self) -> None:
        wait_for(lambda: not self.sink.look()["connections"], every=0.1)

    # --- The end

    def settle(self, seconds: float = SETTLED_WITHIN, hurries: bool = True) -> dict[str, Any]:
        """Let the workers finish; whatever only waits for the clock does not wait, unless it is the case's matter."""
        until = time.monotonic() + seconds
        while not (found := self.look())["is_finished"] and time.monotonic() < until:
            if not hurries:
                self.clerk.minute()
            elif not self.sink.look()["connections"]:
                self.do("let_time_pass")
            time.sleep(0.25)
        return found

    def check(self, unknown: int = 0, **expected: int) -> dict[str, Any]:
        """Hold the ledger against the server's count; `expected` are exact numbers of states.

        :raises Violation: listing the first ones.
        """
        ledger, taken = self.do("ledger"), self.sink.taken()
        found = invariants.violations(ledger, taken, unknown)
        self.stage.tally.add(invariants.checked(ledger, taken), found)
        wrong = {state: ledger["states"].get(state, 0) for state in expected}
        if found or wrong != expected:
            lines = [f"{name}: {what}" for name, what in found[:SHOWN]]
            lines += [f"expected {expected}"] if wrong != expected else []
            raise Violation("\n".join([f"{len(found)} violations", *lines, f"states {ledger['states']}"]))
        if not self.sink.has_erred():
            raise Violation("the mail server never came to do what it was told: this proves nothing")
        return ledger

    def settle_and_check(self, unknown: int = 0, **expected: int) -> dict[str, Any]:
        self.settle()
        return self.check(unknown, **expected)
