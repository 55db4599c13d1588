"""Postfix's own `smtp-sink`, which throws letters away and counts them, and `smtp-source`, the rate to beat."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from mailings.benchmarks.processes import Fault, free_port, is_listening, run, service, wait_until
from mailings.benchmarks.services import IS_ROOT, program

_numbers = count(1)
COUNTER = re.compile(rb"mesg=(\d+)")
# Beside the text that `-l` asks for, smtp-source writes From, To, Date and Message-Id.
SOURCE_HEADER_OCTETS = 140


class Sink:
    """One `smtp-sink` for one run: it starts at nought, so its count is the run's."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    def counted(self) -> int:
        """Read the counter, which `-c` writes whenever a final dot came in."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 200))
            found = COUNTER.findall(log.read())
        return int(found[-1]) if found else 0

    def check(self, accepted: int) -> None:
        """:raises Fault: it has not counted exactly what the sender says was accepted."""
        end = time.monotonic() + 2
        while self.counted() < accepted and time.monotonic() < end:
            time.sleep(0.01)
        if self.counted() != accepted:
            raise Fault(f"the sink counted {self.counted()} letters, the sender {accepted}")


@contextlib.contextmanager
def smtp_sink(scratch: Path) -> Iterator[Sink]:
    sink = Sink(free_port(), scratch / f"sink-{next(_numbers)}.log")
    command = [program("smtp-sink"), "-c", f"127.0.0.1:{sink.port}", "1000"]
    with service(command, sink.log, "nobody" if IS_ROOT else None):
        wait_until(lambda: is_listening(sink.port), 10, "smtp-sink listens")
        yield sink
    sink.log.unlink()


def smtp_source(port: int, letters: int, octets: int, sessions: int) -> float:
    """Send so many letters over connections kept open, and return the seconds it took."""
    command = [program("smtp-source"), "-d", "-s", str(sessions), "-m", str(letters)]
    command += ["-l", str(octets - SOURCE_HEADER_OCTETS), "-f", "post@example.org", "-t", "client@example.org"]
    started = time.perf_counter()
    run([*command, f"127.0.0.1:{port}"], 300)
    return time.perf_counter() - started
