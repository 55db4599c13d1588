"""The named faults (reference/security.md §3.4, F-numbers in the names' first lines): each a function of the stage."""

from collections.abc import Callable

from mailings.tests.torture.clock import LIBRARY
from mailings.tests.torture.faults import people, schedule, server, services, worker
from mailings.tests.torture.stage import Stage

Fault = Callable[[Stage], None]

EVERYWHERE: tuple[Fault, ...] = (*worker.FAULTS, *server.FAULTS, *people.FAULTS, *schedule.FAULTS)
# SQLite has neither a database server nor Redis; only our own ones are ours to crash.
POSTGRESQL: tuple[Fault, ...] = services.FAULTS
SQLITE: tuple[Fault, ...] = (*services.SQLITE, *worker.SQLITE)
LONG: tuple[Fault, ...] = (*worker.LONG, *server.LONG, *schedule.LONG)
LONG_POSTGRESQL: tuple[Fault, ...] = services.LONG


def short(*, is_postgresql: bool) -> list[Fault]:
    return [*EVERYWHERE, *schedule.CLOCK, *(POSTGRESQL if is_postgresql else SQLITE)]


def missing(fault: Fault) -> str:
    """Say what a fault needs that is not here, or nothing."""
    return "for clocks that jump: apt-get install faketime" if fault in schedule.CLOCK and not LIBRARY else ""


def long(*, is_postgresql: bool) -> list[Fault]:
    return [*short(is_postgresql=is_postgresql), *(LONG_POSTGRESQL if is_postgresql else ()), *LONG]
