"""Time and launches: several schedulers at once, windows that end, runs that are large."""

from __future__ import annotations

import re
from pathlib import Path

from mailings.tests.torture.faults.people import expect_silence
from mailings.tests.torture.stage import Stage
from mailings.tests.torture.trial import Violation, wait_for

LETTERS = 200
MANY = 100_000
FEW = 10_000
GROWTH = 1.2


def launched_in_parallel(stage: Stage) -> None:
    """F30: many clicks and the minute's task at once make one run."""
    trial = stage.trial(letters=LETTERS)
    stage.ensure_worker()

    refused = trial.do("launch_in_parallel", times=5)

    if refused != 4:
        raise Violation(f"{refused} of 5 launches were refused")
    trial.settle_and_check(accepted=LETTERS)


def several_schedulers(stage: Stage) -> None:
    """F29: a mailing that falls due is found by ten schedulers at once, and run once."""
    trial = stage.trial(letters=LETTERS, begins=1)
    stage.ensure_worker()
    trial.launch()
    wait_for(lambda: stage.clerk.tick_in_parallel(times=10) or trial.look()["status"] != "scheduled", every=0.2)

    trial.settle_and_check(accepted=LETTERS)


def window_closing(stage: Stage) -> None:
    """F33: nothing leaves after the end; the rest is cancelled and the mailing completed."""
    trial = stage.trial(letters=1000)
    trial.launch_slowly()

    trial.do("end_window")
    expect_silence(trial)

    states = trial.settle()["states"]
    trial.check()
    if not states.get("cancelled"):
        raise Violation("nobody was cancelled")


def hundred_thousand(stage: Stage) -> None:
    """F44: memory does not grow with the run."""
    stage.dismiss()
    peaks = [peak_of(stage, letters) for letters in (FEW, MANY)]
    if peaks[1] > GROWTH * peaks[0]:
        raise Violation(f"peak memory {peaks[0]} kB with {FEW}, {peaks[1]} kB with {MANY} recipients")


def peak_of(stage: Stage, letters: int) -> int:
    """Run so many with a new worker and return the most memory it ever had, in kB (VmHWM)."""
    trial = stage.trial(letters=letters)
    worker = stage.worker()
    trial.launch()
    trial.settle(seconds=300)
    status = Path(f"/proc/{worker.pid}/status").read_text()
    stage.kill(worker)
    trial.check(accepted=letters)
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])


FAULTS = (launched_in_parallel, several_schedulers, window_closing)
LONG = (hundred_thousand,)
