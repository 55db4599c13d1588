"""The two sides of each pair: a run of ours or of somebody else's, the sink's count held against the sender's."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailings.benchmarks import letter, post_office
from mailings.benchmarks.processes import Fault, free_port, is_listening, run_module, service, wait_until
from mailings.benchmarks.sink import smtp_sink, smtp_source
from mailings.benchmarks.stage import POSTGRES, Stage

CONNECTIONS = 10


@dataclass
class Bench:
    """`quick` makes everything smaller, for steering; only the full sizes are for quoting."""

    scratch: Path
    stage: Stage
    repeat: int
    quick: bool
    octets: int = field(default_factory=letter.octets)
    best: int = 0
    best_processes: int = 0
    engine_cost: str = ""

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    @contextlib.contextmanager
    def latency(self, target: int, milliseconds: int) -> Iterator[int]:
        """Yield the port at which every reply of the server behind it comes so much later."""
        if not milliseconds:
            yield target
            return
        port = free_port()
        # -P: the names of our modules shall not stand before the standard library's.
        script = str(Path(__file__).parent / "latency.py")
        command = [sys.executable, "-P", script, str(port), str(target), str(milliseconds)]
        with service(command, self.scratch / "latency.log"):
            wait_until(lambda: is_listening(port), 10, "the slow line is there")
            yield port

    # --- smtp-source

    def source(self, letters: int, sessions: int, milliseconds: int = 0) -> float:
        with smtp_sink(self.scratch) as sink, self.latency(sink.port, milliseconds) as port:
            seconds = smtp_source(port, letters, self.octets, sessions)
            sink.check(letters)
        return letters / seconds

    def best_sessions(self) -> int:
        """Find the number of sessions at which smtp-source is fastest here and now."""
        if not self.best:
            letters = self.size(20_000, 10_000)
            rates = {n: max(self.source(letters, n) for _ in range(2)) for n in (5, 10, 20)}
            self.best = max(rates, key=lambda n: rates[n])
        return self.best

    def best_source(self, letters: int) -> float:
        return self.source(letters, self.best_sessions())

    # --- Ours

    def engine(self, letters: int) -> float:
        with smtp_sink(self.scratch) as sink:
            found = run_module("engine", sink.port, letters, CONNECTIONS, seconds=300)
            sink.check(found["accepted"])
        if found["accepted"] != letters:
            raise Fault(f"{found['accepted']} of {letters} letters were accepted")
        self.engine_cost = (
            f"composing {found['compose'] / letters * 1e6:.0f} µs, CPU {found['cpu'] / letters * 1e6:.0f} µs"
        )
        return float(letters / found["seconds"])

    def work(
        self, url: str, clients: int, *options: object, connections: int = CONNECTIONS, milliseconds: int = 0
    ) -> Any:
        """Run one whole mailing in a worker of its own and hold its ledger against the sink's count."""
        with smtp_sink(self.scratch) as sink, self.latency(sink.port, milliseconds) as port:
            env = self.stage.environment(url, port, connections)
            found = run_module("worker", *options, seconds=900, env=env)
            sink.check(found["accepted"])
        check_ledger(found, clients)
        return found

    def mailing(
        self, kind: str, clients: int, *, connections: int = CONNECTIONS, milliseconds: int = 0
    ) -> dict[str, Any]:
        with self.stage.database(kind, clients) as url:
            found: dict[str, Any] = self.work(url, clients, connections=connections, milliseconds=milliseconds)
        return found

    def mailing_rate(self, kind: str, clients: int, *, connections: int = CONNECTIONS, milliseconds: int = 0) -> float:
        found = self.mailing(kind, clients, connections=connections, milliseconds=milliseconds)
        return float(clients / found["seconds"])

    def launch(self, clients: int, way: str) -> float:
        """Fix the recipients, our `way` or by a bare statement, and return rows per second."""
        with self.stage.database(POSTGRES, clients) as url:
            found = run_module("launching", way, seconds=300, env=self.stage.environment(url))
        if found["rows"] != clients:
            raise Fault(f"{found['rows']} rows for {clients} clients")
        return float(clients / found["seconds"])

    # --- Imports

    def imported(self, kind: str, way: str, rows: int, file: str = "csv") -> dict[str, Any]:
        """Take so many clients in, in a process and a database of their own, and hold the sums against the rows."""
        with self.stage.migrated_database(kind) as url:
            found = run_module("importing", way, rows, file, seconds=1800, env=self.stage.environment(url))
        if (found["status"], found["new"] + found["changed"]) != ("completed", rows):
            raise Fault(f"{rows} rows, but {found}")
        return found

    def import_rate(self, kind: str, way: str, rows: int, file: str = "csv") -> float:
        return float(rows / self.imported(kind, way, rows, file)["seconds"])

    # --- Pages

    def page_times(self, is_big: bool) -> dict[str, float]:
        """Tell the milliseconds of each page in the big base or the small one; each is made once."""
        clients, attempts = (self.size(1_000_000, 50_000), self.size(5_000_000, 250_000)) if is_big else (2_000, 5_000)
        url, is_new = self.stage.kept(f"pages_{clients}")
        env = self.stage.environment(url)
        if is_new:
            run_module("pages", "fill", clients, attempts, seconds=1800, env=env)
        return run_module("pages", "time", seconds=300, env=env)

    # --- django-post_office

    def post_office(self, letters: int, processes: int) -> float:
        with self.stage.bare_database() as url, smtp_sink(self.scratch) as sink:
            environment = {"PATH": os.environ.get("PATH", ""), "DATABASE_URL": url}
            found = post_office.send(sink.port, letters, processes, environment, self.scratch)
            sink.check(found["accepted"])
        if found["accepted"] != letters:
            raise Fault(f"post_office sent {found['accepted']} of {letters}")
        return float(letters / found["seconds"])

    def best_post_office(self, letters: int) -> float:
        """Send with as many processes as suit it best on this machine; its five threads each are its default."""
        if not self.best_processes:
            trial = self.size(2_000, 500)
            rates = {n: self.post_office(trial, n) for n in (1, 2)}
            self.best_processes = max(rates, key=lambda n: rates[n])
        return self.post_office(letters, self.best_processes)


def check_ledger(found: dict[str, Any], clients: int) -> None:
    """:raises Fault: the run did not end, or ledger, sums and attempts do not agree on everybody."""
    counts = {name: found[name] for name in ("total", "accepted", "counted", "attempts")}
    if not found["is_completed"] or set(counts.values()) != {clients}:
        raise Fault(f"{clients} recipients, completed: {found['is_completed']}, but {counts}")
