"""Where a worker's time goes: cheap timers hung around the product's functions from outside, never in its code.

Each second belongs to one place only, the innermost timed function that was running. Time within the database is
told apart from the Python around it, and the worker's own CPU from the clock: on a busy machine they are far apart.
A name that is not there any more is reported, not missed.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from time import perf_counter, thread_time
from typing import Any

# What a person asks about, and the functions it is made of. `module:name` or `module:Class.method`.
PLACES: Mapping[str, tuple[str, ...]] = {
    "launch": ("mailings.operations.launch:launch",),
    "compose": (
        "mailings.operations.frame:Letters.__init__",
        "mailings.operations.sender:Sender.letter",
    ),
    "engine": tuple(f"mailings.sending.smtp:Pool.{name}" for name in ("exchange", "drain", "recall", "close")),
    "sockets": ("mailings.sending.wire:Wire._send", "mailings.sending.wire:Wire.receive"),
    "waiting for the mail server": ("mailings.sending.poller:Poller.wait",),
    "ledger's turn": (
        "mailings.operations.ledger:take",
        "mailings.operations.ledger.postgresql:take",
        "mailings.operations.ledger.sqlite:take",
    ),
    "ledger: claim, fresh checks": ("mailings.operations.ledger.sqlite:advance",),
    "ledger: result": ("mailings.operations.ledger.sqlite:record",),
    "ledger: counters": ("mailings.operations.ledger.sqlite:add_sums",),
    "limits": ("mailings.operations.pace:room_for", "mailings.operations.pace:spend"),
    "fresh checks": ("mailings.operations.sender:Sender.may_send", "mailings.operations.sender:Sender.has_free"),
    "sender's loop": ("mailings.operations.sender:Sender.turn", "mailings.operations.sender:Sender.work"),
    "finish": ("mailings.operations.finish:finish_if_done",),
    "everything else in deliver": ("mailings.operations.deliver:deliver",),
}
COMMIT = "commit (fsync)"
DATABASE = ("execute", "executemany", "copy_expert", "copy_from")


Place = tuple[str, bool]
NOWHERE: Place = ("", False)


class Thread:
    """One thread's sums, so that none has to wait for another."""

    def __init__(self) -> None:
        self.sums: dict[Place, float] = defaultdict(float)
        self.cpu: dict[Place, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self.place = NOWHERE
        self.since = perf_counter()
        self.cpu_since = thread_time()

    def enter(self, place: Place) -> Place:
        """Book the time since the last change of place on the place that was, and return that one."""
        now, cpu_now = perf_counter(), thread_time()
        before = self.place
        self.sums[before] += now - self.since
        self.cpu[before] += cpu_now - self.cpu_since
        self.place, self.since, self.cpu_since = place, now, cpu_now
        return before


class Timers:
    """Seconds of all threads by place: under `(place, False)` Python's, under `(place, True)` the database's."""

    def __init__(self) -> None:
        self.local = threading.local()
        self.threads: list[Thread] = []
        self.missing: list[str] = []

    def attach(self) -> None:
        for place, names in PLACES.items():
            for name in names:
                self.wrap(name, place)
        from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: PLC0415  only where Django is
        from django.db.backends.utils import CursorWrapper  # noqa: PLC0415

        BaseDatabaseWrapper._commit = self.timed(BaseDatabaseWrapper._commit, COMMIT)  # type: ignore[attr-defined]  # noqa: SLF001  private, and the one place where every commit passes
        for name in DATABASE:
            setattr(CursorWrapper, name, self.timed_query(name))

    def wrap(self, name: str, place: str) -> None:
        module_name, _, path = name.partition(":")
        try:
            holder: Any = importlib.import_module(module_name)
            *classes, last = path.split(".")
            for part in classes:
                holder = getattr(holder, part)
            function = getattr(holder, last)
        except (ImportError, AttributeError):
            self.missing.append(name)
            return
        timed = self.timed(function, place)
        setattr(holder, last, timed)
        if not classes:
            replace_everywhere(function, timed)

    def timed(self, function: Callable[..., Any], place: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **named: Any) -> Any:
            thread = self.thread()
            before = thread.enter((place, False))
            thread.calls[place] += 1
            try:
                return function(*args, **named)
            finally:
                thread.enter(before)

        return inner

    def timed_query(self, name: str) -> Callable[..., Any]:
        """Time a method of Django's cursor, or of psycopg2's own under it, for the place that asked."""
        from django.db.backends.utils import CursorWrapper  # noqa: PLC0415  only where Django is

        own = CursorWrapper.__dict__.get(name)

        def inner(cursor: Any, *args: Any, **named: Any) -> Any:
            thread = self.thread()
            before = thread.enter((thread.place[0], True))
            try:
                return own(cursor, *args, **named) if own else getattr(cursor.cursor, name)(*args, **named)
            finally:
                thread.enter(before)

        return inner

    def thread(self) -> Thread:
        try:
            found: Thread = self.local.thread
        except AttributeError:
            found = self.local.thread = Thread()
            self.threads.append(found)
        return found

    def seconds(self) -> list[dict[str, Any]]:
        """List the places with what they took in all threads together."""

        def summed(place: str, is_database: bool) -> float:
            return sum(thread.sums[place, is_database] for thread in self.threads)

        return [
            {
                "place": place,
                "python": summed(place, False),
                "database": summed(place, True),
                "cpu": sum(thread.cpu[place, False] + thread.cpu[place, True] for thread in self.threads),
                "calls": sum(thread.calls[place] for thread in self.threads),
            }
            for place in (*PLACES, COMMIT)
        ]


def replace_everywhere(function: object, timed: object) -> None:
    """Replace a function also where it was imported by name."""
    for module in [module for name, module in sys.modules.items() if name.startswith("mailings.")]:
        for name, value in list(vars(module).items()):
            if value is function:
                setattr(module, name, timed)
