"""The long torture: `python -m mailings.tests.torture [--rounds 50] [--seed N] [--database postgresql|sqlite|both]`.

Random kills first, each named fault after them, then the invariants with their counts; exit code 1 where one was
violated or a fault did not end as it should.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import statistics
import sys
from pathlib import Path
from types import FrameType

from mailings.benchmarks.services import refuse_without_programs, scratch_folder
from mailings.tests.torture import faults
from mailings.tests.torture.rounds import Round, rounds
from mailings.tests.torture.services import Services, services
from mailings.tests.torture.stage import Stage
from mailings.tests.torture.trial import Violation


def parse() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m mailings.tests.torture", description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=50, help="rounds of random kills, at least one kill in each")
    options.add_argument("--seed", type=int, default=0, help="of the first round; the next one has the next number")
    options.add_argument("--database", choices=("postgresql", "sqlite", "both"), default="both")
    options.add_argument("--letters", type=int, default=10_000, help="recipients of a random round")
    options.add_argument("--faults", nargs="*", metavar="NAME", help="only these named faults; none for none")
    asked = options.parse_args()
    asked.seed = asked.seed or random.SystemRandom().randrange(1, 10**6)
    return asked


def torture(stage: Stage, asked: argparse.Namespace) -> bool:
    """Print every round and fault as it ends, the invariants last, and return whether all is well."""
    failures = [*random_kills(stage, asked), *named_faults(stage, asked)]
    print("\n".join(stage.tally.lines()))
    for failure in failures:
        print(f"FAILED {failure}")
    return not failures and not stage.tally.violated.total()


def random_kills(stage: Stage, asked: argparse.Namespace) -> list[str]:
    """Play the rounds until one does not hold: what it left behind is worth more than the next ones."""
    done: list[Round] = []
    failures = []
    with rounds(stage, asked.letters) as game:
        print(f"  undisturbed: {game.undisturbed():,.0f} letters/s", flush=True)
        try:
            for seed in range(asked.seed, asked.seed + asked.rounds):
                done.append(game.play(seed))
                print(f"  {done[-1]}", flush=True)
        except Violation as violation:
            failures = [f"--seed {seed} --letters {asked.letters}: {violation}"]
    if done:
        print(summary(done), flush=True)
    return failures


def summary(done: list[Round]) -> str:
    kills, unknown = sum(each.kills for each in done), sum(each.unknown for each in done)
    rate = statistics.median(each.rate for each in done)
    return f"{len(done)} rounds, {kills} kills, {unknown} unknown, median {rate:,.0f} letters/s in the best second"


def named_faults(stage: Stage, asked: argparse.Namespace) -> list[str]:
    failures = []
    for fault in faults.long(is_postgresql=stage.is_postgresql):
        name = fault.__name__
        if asked.faults is not None and name not in asked.faults:
            continue
        if missing := faults.missing(fault):
            print(f"  {name}: not run; {missing}", flush=True)
            continue
        try:
            fault(stage)
        except (Violation, RuntimeError) as violation:
            stage.clean_up()
            failures.append(f"{name}: {violation}")
        print(f"  {name}: {'FAILED' if failures and failures[-1].startswith(f'{name}:') else 'holds'}", flush=True)
    return failures


def with_database(name: str, scratch: Path, own: Services | None, asked: argparse.Namespace) -> bool:
    print(f"\n== {name}, seed {asked.seed} ==", flush=True)
    folder = scratch / name
    stage = Stage(folder, own.postgres.url("postgres"), own.redis_url, own) if own else Stage(folder)
    with stage:
        return torture(stage, asked)


def end_in_order(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)


def main() -> int:
    asked = parse()
    signal.signal(signal.SIGTERM, end_in_order)
    is_well = True
    with contextlib.ExitStack() as undo:
        scratch = undo.enter_context(scratch_folder())
        if asked.database != "sqlite":
            refuse_without_programs()
            own = undo.enter_context(services(scratch))
            is_well = with_database("postgresql", scratch, own, asked)
        if asked.database != "postgresql":
            is_well = with_database("sqlite", scratch, None, asked) and is_well
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
