"""Time and launches: several schedulers at once, windows that end, clocks that jump, runs that are large."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from mailings.tests.torture.clock import Clock
from mailings.tests.torture.faults.people import expect_silence
from mailings.tests.torture.invariants import IN_HAND
from mailings.tests.torture.stage import Clerk, Stage
from mailings.tests.torture.trial import Violation, wait_for

LETTERS = 200
MANY = 100_000
FEW = 10_000
GROWTH = 1.2
JUMP_HOURS = 2
BERLIN = ZoneInfo("Europe/Berlin")
# Once in summer time's beginning, when there is no 2:30, and once in its end, when there are two.
GAP, OVERLAP = (
    ("2027-03-27", ["01:30+00:00", "01:00+00:00", "00:30+00:00"]),
    ("2027-10-30", ["00:30+00:00"] * 2 + ["01:30+00:00"]),
)
STEP = timedelta(hours=1)


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


def clock_jumps(stage: Stage) -> None:
    """F31: a host's clock jumps to and fro in a run. Leases go by the database's clock; SQLite has none of its own, so
    there the whole machine jumps, and what a worker has in hand is as good as lost.
    """
    clock = Clock(stage.folder)
    stage.dismiss()
    trial = stage.trial(letters=1000)
    if not stage.is_postgresql:
        trial.clerk = Clerk(stage, **clock.env())
    stage.resident = stage.worker(**clock.env())
    trial.sink.rules({"stage": "dot", "delay": 0.05})
    trial.launch()
    for number, hours in enumerate((JUMP_HOURS, -JUMP_HOURS, 0), 1):
        trial.wait_for_letters(150 * number)
        clock.jump(hours)
        trial.clerk.minute()
    trial.sink.rules()

    trial.settle()
    stage.dismiss()
    trial.dismiss_clerk()
    forward = 2
    trial.check(unknown=0 if stage.is_postgresql else forward * IN_HAND)


def summer_time(stage: Stage) -> None:
    """F31, F32: a daily mailing goes out once a day at its hour, be it skipped, repeated, or come back to."""
    for first, expected in (GAP, OVERLAP):
        at = datetime.fromisoformat(f"{first} 02:30").replace(tzinfo=BERLIN)
        until = at + timedelta(days=3)
        trial = stage.trial(letters=3, rhythm="daily", first=at.isoformat(), until=until.isoformat())
        trial.launch()
        moment = at.astimezone(UTC) - timedelta(hours=12)
        while moment < until:
            for jump in (timedelta(), -timedelta(hours=JUMP_HOURS)):
                stage.clerk.tick_and_deliver(at=(moment + jump).isoformat())
            moment += STEP

        runs = trial.do("runs")
        if [(due[11:], accepted) for due, accepted in runs] != [(due, 3) for due in expected]:
            raise Violation(f"summer time: {runs}")


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


FAULTS = (launched_in_parallel, several_schedulers, window_closing, summer_time)
# Where libfaketime is installed.
CLOCK = (clock_jumps,)
LONG = (hundred_thousand,)
