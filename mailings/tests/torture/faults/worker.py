"""What happens to a worker's process: killed, ended, stopped, short of disk."""

from __future__ import annotations

import random
import resource
import signal
import time
from pathlib import Path

from mailings.tests.torture.invariants import IN_HAND
from mailings.tests.torture.sink_link import FOR_EVER
from mailings.tests.torture.stage import Stage, Worker
from mailings.tests.torture.trial import Trial, Violation, wait_for

GRACE_SECONDS = 10
LETTERS = 1000
# A lease that may run out while a test looks on.
BRIEF = {"SENDING_LEASE_SECONDS": "5"}
NAP_SECONDS = 2.0
SLEPT_ON = 500
AWAY_SECONDS = 3.0
ENDS = 10


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


def end(stage: Stage, worker: Worker) -> None:
    """:raises Violation: a worker that is asked to end takes longer than it may."""
    began = time.monotonic()
    stage.kill(worker, by=signal.SIGTERM)
    if (took := time.monotonic() - began) > GRACE_SECONDS:
        raise Violation(f"SIGTERM took {took:.0f} s")


def ended_in_order(stage: Stage) -> None:
    """F4: SIGTERM in the middle; what is in flight is answered and written, the rest is at once the next worker's."""
    trial = stage.trial(letters=6000)
    trial.launch_slowly(seconds=0.02)

    end(stage, stage.ensure_worker())
    trial.sink.rules()
    stage.ensure_worker()
    # No longer than the lease of whatever the first one might have left behind.
    trial.settle(seconds=20, hurries=False)

    trial.check(accepted=6000)


def ended_at_random(stage: Stage) -> None:
    """F4: SIGTERM at full speed, again and again, leaves nobody unknown."""
    stage.dismiss()
    letters = 3000 * ENDS
    trial = stage.trial(letters=letters)
    worker = stage.worker()
    trial.launch()

    for number in range(1, ENDS):
        wait_for(lambda number=number: trial.sink.look()["total"] > random.uniform(0, 3000) + 2000 * (number - 1))  # noqa: S311
        end(stage, worker)
        worker = stage.worker()
        wait_for(lambda worker=worker: stage.is_ready(worker))
        stage.clerk.minute()
    trial.settle(hurries=False)
    stage.kill(worker)

    trial.check(accepted=letters)


def napping(stage: Stage) -> None:
    """F42: a worker that is stopped for less than its lease goes on as if nothing had been."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    worker = stage.ensure_worker()
    stop(stage, worker)
    time.sleep(NAP_SECONDS)
    worker.send_signal(signal.SIGCONT)
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)


def stop(stage: Stage, worker: Worker) -> None:
    """Stop a worker, though not while it holds SQLite's one right to write: there the whole product would stop."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        if stage.database.is_free():
            return
        worker.send_signal(signal.SIGCONT)
        time.sleep(random.uniform(0, 0.1))  # noqa: S311  to hit another moment


def asleep(stage: Stage) -> tuple[Trial, Worker]:
    """Stop a worker in the middle of a run until its lease is over, and give its place to another one."""
    stage.dismiss()
    trial = stage.trial(letters=SLEPT_ON)
    sleeper = stage.worker(**BRIEF)
    trial.sink.rules({"stage": "dot", "delay": 0.05})
    trial.launch()
    trial.wait_for_letters(100)
    stop(stage, sleeper)
    stage.resident = stage.worker(**BRIEF)
    return trial, sleeper


def asleep_past_the_lease(stage: Stage) -> None:
    """F42: whom a worker slept on, another one sends; waking up, it neither sends to them nor writes about them."""
    trial, sleeper = asleep(stage)

    trial.settle(hurries=False)
    ledger, total = trial.check(unknown=IN_HAND), trial.sink.look()["total"]
    sleeper.send_signal(signal.SIGCONT)
    time.sleep(NAP_SECONDS)

    again, total_again = trial.check(unknown=IN_HAND), trial.sink.look()["total"]
    stage.kill(sleeper)
    stage.dismiss()
    if (again, total_again) != (ledger, total):
        raise Violation(f"the sleeper wrote or sent: {total_again - total} letters more")


def awake_while_another_sends(stage: Stage) -> None:
    """F42: it wakes up in the middle of the other one's work, and both go on."""
    trial, sleeper = asleep(stage)

    before = trial.sink.look()["total"]
    wait_for(lambda: stage.clerk.minute() or trial.sink.look()["total"] > before + 50, every=0.25)
    sleeper.send_signal(signal.SIGCONT)
    trial.sink.rules()

    trial.settle(hurries=False)
    stage.kill(sleeper)
    stage.dismiss()
    trial.check(unknown=IN_HAND)


def no_room_to_write(stage: Stage) -> None:
    """F26: a worker that can write nothing hands nothing over, keeps its answers, and goes on when there is room."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()
    worker = stage.ensure_worker()

    _soft, hard = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (0, hard))
    time.sleep(AWAY_SECONDS)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (hard, hard))
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)
    if worker.poll() is not None:
        raise Violation("the worker ended with the disk")


def log_full(stage: Stage) -> None:
    """F28: a log that cannot be written is no reason not to send."""
    stage.dismiss()
    trial = stage.trial(letters=LETTERS)
    worker = stage.worker(log=Path("/dev/full"))
    trial.launch()

    trial.settle()
    stage.kill(worker)

    trial.check(accepted=LETTERS)


FAULTS = (
    killed_while_claimed,
    killed_before_the_result,
    killed_with_answers_unwritten,
    ended_in_order,
    napping,
    asleep_past_the_lease,
    awake_while_another_sends,
    log_full,
)
# PostgreSQL's own processes write its files.
SQLITE = (no_room_to_write,)
LONG = (ended_at_random,)
