"""Random kills: one worker or two at full speed, killed at a moment that a seed chooses, replaced, and again."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from mailings.tests.torture.invariants import IN_HAND
from mailings.tests.torture.stage import Stage
from mailings.tests.torture.trial import Trial, wait_for

# Longer than a window takes: the kill falls anywhere between a letter's arrival and the next windows' commits.
LATEST_SECONDS = 0.03
Worker = subprocess.Popen[str]


@dataclass(frozen=True)
class Round:
    seed: int
    workers: int
    kills: int
    unknown: int
    rate: float

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.workers} workers, {self.kills} kills, {self.unknown} unknown,"
            f" {self.rate:,.0f} letters/s in the best second"
        )


class Rounds:
    """The workers that a round leaves alive go into the next one."""

    def __init__(self, stage: Stage, letters: int) -> None:
        self.stage = stage
        self.letters = letters
        self.people = stage.people(letters)
        self.alive: list[Worker] = []

    def play(self, seed: int) -> Round:
        """:raises Violation: an invariant does not hold after it."""
        chance = random.Random(seed)  # noqa: S311  to be repeated, not to be secret
        count = chance.choice((1, 1, 2))
        trial = self.stage.trial(people=self.people)
        self.man(count)
        trial.launch(wakes=2 * count)
        kills = sum(self.kill(trial, chance, count) for _ in range(chance.choice((1, 1, 2))))
        rate = self.stage.sink.ask("rate")
        trial.settle()
        ledger = trial.check(unknown=IN_HAND * kills)
        return Round(seed, count, kills, ledger["states"].get("unknown", 0), rate)

    def undisturbed(self) -> float:
        """Return the letters a second of a run that nothing happens to, in its best second."""
        trial = self.stage.trial(people=self.people)
        self.man(1)
        trial.launch()
        trial.wait_for_letters(self.letters)
        trial.settle()
        trial.check(accepted=self.letters)
        return float(self.stage.sink.ask("rate"))

    def man(self, count: int) -> None:
        """One thread each: a second task of the run goes to the other worker, not to a second thread."""
        while len(self.alive) < count:
            self.alive.append(self.stage.worker(WORKERS="1"))
        while len(self.alive) > count:
            self.stage.kill(self.alive.pop())
        wait_for(lambda: all(self.stage.is_ready(worker) for worker in self.alive))

    def kill(self, trial: Trial, chance: random.Random, count: int) -> bool:
        """Kill one worker some letters on, put a new one in its place, and tell whether it came to that."""
        victim = chance.choice(self.alive)
        at = self.stage.sink.look()["total"] + chance.randint(1, self.letters // 2)
        delay = chance.choice((0.0, chance.uniform(0, LATEST_SECONDS)))
        order = {"pid": victim.pid, "at": at, "signal": signal.SIGKILL, "delay": delay}
        self.stage.sink.ask("signals", signals=[order])
        if not self.dies(victim, trial):
            return False
        self.stage.kill(victim)
        self.alive.remove(victim)
        self.man(count)
        self.stage.clerk.minute()
        return True

    def dies(self, victim: Worker, trial: Trial) -> bool:
        """Wait for the death, or for the end of the run if that comes first."""
        for _ in range(300):
            try:
                victim.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                # Asking the mail server costs it little; asking the ledger would slow the run down.
                if not self.stage.sink.look()["connections"] and trial.look()["is_finished"]:
                    return False
            else:
                return True
        return False

    def dismiss(self) -> None:
        for worker in self.alive:
            self.stage.kill(worker)
        self.alive = []


@contextlib.contextmanager
def rounds(stage: Stage, letters: int) -> Iterator[Rounds]:
    made = Rounds(stage, letters)
    try:
        yield made
    finally:
        made.dismiss()
