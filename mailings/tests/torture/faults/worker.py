"""What happens to a worker's process: killed, ended, stopped."""

from __future__ import annotations

import signal
import time

from mailings.tests.torture.invariants import IN_HAND
from mailings.tests.torture.sink_link import FOR_EVER
from mailings.tests.torture.stage import Stage
from mailings.tests.torture.trial import Violation

GRACE_SECONDS = 30


def killed_while_claimed(stage: Stage) -> None:
    """F1: killed before a byte left; nobody is sent to twice, and the few in hand wait for a person."""
    trial = stage.trial()
    trial.sink.rules({"stage": "greeting", "delay": FOR_EVER})
    worker = stage.ensure_worker()
    trial.launch()
    trial.wait_for_held(1)

    stage.kill(worker)
    trial.sink.rules()
    stage.ensure_worker()

    trial.settle_and_check(unknown=IN_HAND)


def killed_before_the_result(stage: Stage) -> None:
    """F2: killed after the final dots, the letters kept, the answers not read: unknown, and never sent again."""
    trial = stage.trial()
    trial.sink.rules({"stage": "dot", "delay": FOR_EVER})
    worker = stage.ensure_worker()
    trial.launch()
    trial.wait_for_held(5)

    stage.kill(worker)
    trial.sink.rules()
    stage.ensure_worker()

    trial.settle_and_check(unknown=IN_HAND)


def killed_with_answers_unwritten(stage: Stage) -> None:
    """F2: killed at the very moment when a letter in the middle has been taken."""
    trial = stage.trial(letters=400)
    worker = stage.ensure_worker()
    trial.sink.ask("signals", signals=[{"pid": worker.pid, "at": 200, "signal": signal.SIGKILL}])
    trial.launch()

    worker.wait(timeout=60)
    stage.ensure_worker()

    trial.settle_and_check(unknown=IN_HAND)


def ended_in_order(stage: Stage) -> None:
    """F4: SIGTERM in the middle; what is in flight is answered and written, the rest is left to the next worker."""
    trial = stage.trial(letters=6000)
    trial.launch_slowly(seconds=0.02)
    worker = stage.ensure_worker()

    began = time.monotonic()
    stage.kill(worker, by=signal.SIGTERM)
    took = time.monotonic() - began
    left = trial.look()["states"].get("sending", 0)
    trial.sink.rules()
    stage.ensure_worker()

    if took > GRACE_SECONDS or left:
        raise Violation(f"SIGTERM took {took:.0f} s and left {left} being sent")
    trial.settle_and_check(accepted=6000)


FAULTS = (
    killed_while_claimed,
    killed_before_the_result,
    killed_with_answers_unwritten,
    ended_in_order,
)
