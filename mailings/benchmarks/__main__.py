"""Measures what README.md claims: `python -m mailings.benchmarks [NAME …] [--quick] [--repeat N]`.

Without names everything is measured, the profile last. Figures go into var/bench.json (quick ones into
var/bench-quick.json), beside what stands there. The exit code is 1 where a figure could not be told, above all where
the sink's count and the ledger's differ; a goal missed is not a fault.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from types import FrameType

from mailings.benchmarks.bench import Bench
from mailings.benchmarks.figure import FULL, QUICK, heading, keep
from mailings.benchmarks.figures import FIGURES
from mailings.benchmarks.processes import Fault
from mailings.benchmarks.profile import profile
from mailings.benchmarks.services import postgres_server, redis_server, refuse_without_programs, scratch_folder
from mailings.benchmarks.stage import POSTGRES, SQLITE, Stage

PROFILES = {"profile": POSTGRES, "profile_sqlite": SQLITE}
NAMES = (*FIGURES, *PROFILES)
LIKE_A_FULL_BENCH = 5


def parse() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m mailings.benchmarks", description=__doc__.partition("\n")[0])
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    options.add_argument("--quick", action="store_true", help="small sizes, 2 pairs: for steering, not for quoting")
    options.add_argument("--repeat", type=int, default=0, metavar="N", help="pairs of runs for each figure")
    options.add_argument("--cprofile", default="", metavar="FILE", help="with profile: also dump cProfile's figures")
    asked = options.parse_args()
    unknown = sorted(set(asked.names) - set(NAMES))
    if unknown:
        options.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    asked.names = asked.names or list(NAMES)
    asked.repeat = asked.repeat or (2 if asked.quick else LIKE_A_FULL_BENCH)
    return asked


def measure(bench: Bench, names: list[str], cprofile: str) -> bool:
    """Print and keep a figure after the other, and return whether each could be told."""
    is_well = True
    print(heading(), flush=True)
    for name in names:
        try:
            if name in PROFILES:
                print(profile(bench, PROFILES[name], cprofile), flush=True)
                continue
            figure = FIGURES[name](bench)
        except Fault as fault:
            is_well = False
            print(f"{name:<32} ERROR: {fault}", flush=True)
            continue
        print(figure.row(name), flush=True)
        keep({name: figure.kept()}, QUICK if bench.quick else FULL)
    return is_well


def end_in_order(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)


def main() -> int:
    asked = parse()
    refuse_without_programs()
    signal.signal(signal.SIGTERM, end_in_order)
    with contextlib.ExitStack() as services:
        scratch = services.enter_context(scratch_folder())
        postgres = services.enter_context(postgres_server(scratch))
        redis_url = services.enter_context(redis_server(scratch))
        bench = Bench(scratch, Stage(scratch, postgres, redis_url), asked.repeat, asked.quick)
        return 0 if measure(bench, asked.names, asked.cprofile) else 1


if __name__ == "__main__":
    sys.exit(main())
