"""A worker in a process of its own: launches the one mailing there is and delivers it, slice after slice.

It does what `mailings.tasks.deliver_run` does, without the queue between two slices, whose wait is not work:
`python -m mailings.benchmarks.worker [--profile] [--cprofile FILE]`, with the environment of the product.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import django
from django.db import close_old_connections

from mailings.benchmarks.timers import Timers


def peak_memory() -> int:
    """Read the most that this process has ever had in memory, in bytes (VmHWM)."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def work() -> dict[str, Any]:
    """Launch and deliver until nobody is left, and tell the seconds."""
    from mailings import operations  # noqa: PLC0415  Django has to be ready
    from mailings.models import Mailing  # noqa: PLC0415

    mailing = Mailing.objects.select_related("owner").get()
    started, cpu = time.perf_counter(), time.process_time()
    run = operations.launch(mailing.pk, mailing.owner)
    launched = time.perf_counter()
    assert run is not None
    while operations.deliver(run.pk):
        # As huey's db_task does between two tasks.
        close_old_connections()
    ended = time.perf_counter()
    cpu = time.process_time() - cpu
    clock = {"launch": launched - started, "deliver": ended - launched, "seconds": ended - started}
    return ledger(run.pk) | clock | {"cpu": cpu}


def ledger(run_id: int) -> dict[str, Any]:
    """Count the same thing in the three places that have to agree, and tell whether the run is over."""
    from mailings.models import Attempt, Delivery, Mailing, Run  # noqa: PLC0415  Django has to be ready

    run = Run.objects.get(pk=run_id)
    return {
        "is_completed": run.finished_at is not None and run.mailing.status == Mailing.Status.COMPLETED,
        "total": run.total,
        "accepted": Delivery.objects.filter(run=run, state=Delivery.State.ACCEPTED).count(),
        "counted": run.accepted,
        "attempts": Attempt.objects.filter(run=run, outcome=Attempt.Outcome.ACCEPTED).count(),
    }


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--profile", action="store_true")
    options.add_argument("--cprofile", default="")
    asked = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    timers = Timers()
    if asked.profile:
        timers.attach()
    profiler = cProfile.Profile() if asked.cprofile else None
    if profiler:
        profiler.enable()
    found = work()
    if profiler:
        profiler.disable()
        profiler.dump_stats(asked.cprofile)
    print(json.dumps(found | {"peak_memory": peak_memory(), "timers": timers.seconds(), "missing": timers.missing}))


if __name__ == "__main__":
    main()
