"""What is measured: one method per figure, named as in the table, each returning its paired runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailings.benchmarks import letter
from mailings.benchmarks.figure import Figure, paired
from mailings.benchmarks.processes import Fault, run_module
from mailings.benchmarks.sink import smtp_sink, smtp_source
from mailings.benchmarks.stage import POSTGRES, SQLITE, Stage

LETTERS = "letters/s"


@dataclass
class Bench:
    """`quick` makes everything smaller, for steering; only the full sizes are for quoting."""

    scratch: Path
    stage: Stage
    repeat: int
    quick: bool
    octets: int = field(default_factory=letter.octets)
    best: int = 0

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    # --- The two sides

    def source(self, letters: int, sessions: int) -> float:
        with smtp_sink(self.scratch) as sink:
            seconds = smtp_source(sink.port, letters, self.octets, sessions)
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

    def engine(self, letters: int) -> float:
        with smtp_sink(self.scratch) as sink:
            found = run_module("engine", sink.port, letters, 10, seconds=300)
            sink.check(found["accepted"])
        if found["accepted"] != letters:
            raise Fault(f"{found['accepted']} of {letters} letters were accepted")
        return float(letters / found["seconds"])

    def mailing(self, kind: str, clients: int, *options: object) -> dict[str, Any]:
        """Run one whole mailing in a worker of its own and hold its ledger against the sink's count."""
        with self.stage.database(kind, clients) as url, smtp_sink(self.scratch) as sink:
            env = self.stage.environment(url, sink.port)
            found = run_module("worker", *options, seconds=900, env=env)
            sink.check(found["accepted"])
        check_ledger(found, clients)
        return found

    def mailing_rate(self, kind: str, clients: int) -> float:
        return float(clients / self.mailing(kind, clients)["seconds"])

    # --- The figures

    def engine_vs_smtp_source(self) -> Figure:
        letters = self.size(20_000, 10_000)
        sessions = self.best_sessions()
        pairs = paired(self.repeat, lambda: self.engine(letters), lambda: self.best_source(letters))
        return Figure("engine_vs_smtp_source", LETTERS, "≥1.5", pairs, f"{letters:,} letters, {sessions} sessions")

    def mailing_vs_smtp_source(self) -> Figure:
        return self.against_source("mailing_vs_smtp_source", POSTGRES)

    def mailing_sqlite_vs_smtp_source(self) -> Figure:
        return self.against_source("mailing_sqlite_vs_smtp_source", SQLITE)

    def against_source(self, name: str, kind: str) -> Figure:
        clients = self.size(100_000, 20_000)
        sessions = self.best_sessions()
        pairs = paired(self.repeat, lambda: self.mailing_rate(kind, clients), lambda: self.best_source(clients))
        return Figure(name, LETTERS, "≥0.6", pairs, f"{clients:,} recipients, {sessions} sessions")


def check_ledger(found: dict[str, Any], clients: int) -> None:
    """:raises Fault: the run did not end, or ledger, sums and attempts do not agree on everybody."""
    counts = {name: found[name] for name in ("total", "accepted", "counted", "attempts")}
    if not found["is_completed"] or set(counts.values()) != {clients}:
        raise Fault(f"{clients} recipients, completed: {found['is_completed']}, but {counts}")
