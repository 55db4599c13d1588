"""What is measured: one function per figure, named as in the table, each returning its paired runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mailings.benchmarks.bench import Bench
from mailings.benchmarks.figure import Figure, paired
from mailings.benchmarks.stage import POSTGRES, SQLITE

LETTERS = "letters/s"
ROWS = "rows/s"
MEGABYTE = 1_000_000


def engine_vs_smtp_source(bench: Bench) -> Figure:
    letters = bench.size(20_000, 10_000)
    sessions = bench.best_sessions()
    pairs = paired(bench.repeat, lambda: bench.engine(letters), lambda: bench.best_source(letters))
    return Figure(LETTERS, "≥1.5", pairs, f"{letters:,} letters, {sessions} sessions; {bench.engine_cost}")


def mailing_vs_smtp_source(bench: Bench) -> Figure:
    return against_source(bench, POSTGRES)


def mailing_sqlite_vs_smtp_source(bench: Bench) -> Figure:
    return against_source(bench, SQLITE)


def against_source(bench: Bench, kind: str) -> Figure:
    clients = bench.size(100_000, 20_000)
    sessions = bench.best_sessions()
    pairs = paired(bench.repeat, lambda: bench.mailing_rate(kind, clients), lambda: bench.best_source(clients))
    return Figure(LETTERS, "≥0.6", pairs, f"{clients:,} recipients, {sessions} sessions")


def mailing_10ms_vs_smtp_source(bench: Bench) -> Figure:
    """Replies come 10 ms late, at both sides over the same line: what waiting costs, and what pipelining saves."""
    clients = bench.size(4_000, 2_000)
    pairs = paired(
        bench.repeat,
        lambda: bench.mailing_rate(POSTGRES, clients, connections=20, milliseconds=10),
        lambda: bench.source(clients, sessions=20, milliseconds=10),
    )
    return Figure(LETTERS, "≥3.5", pairs, f"{clients:,} recipients, 20 connections")


def mailing_vs_post_office(bench: Bench) -> Figure:
    clients = bench.size(10_000, 2_000)
    pairs = paired(bench.repeat, lambda: bench.mailing_rate(POSTGRES, clients), lambda: bench.best_post_office(clients))
    return Figure(LETTERS, "≥15", pairs, f"{clients:,} recipients, its {bench.best_processes} processes of 5 threads")


def mailing_memory_growth(bench: Bench) -> Figure:
    """Peak memory does not hang on the minute, so two pairs are enough; each is of fresh processes."""
    many, few = bench.size(500_000, 50_000), bench.size(10_000, 5_000)

    def peak(clients: int) -> float:
        return float(bench.mailing(POSTGRES, clients)["peak_memory"] / MEGABYTE)

    pairs = paired(min(bench.repeat, 2), lambda: peak(many), lambda: peak(few))
    return Figure("MB", "≤1.1", pairs, f"{many:,} recipients against {few:,}")


def launch_rows_per_second(bench: Bench) -> Figure:
    clients = bench.size(500_000, 50_000)
    pairs = paired(bench.repeat, lambda: bench.launch(clients, "ours"), lambda: bench.launch(clients, "bare"))
    return Figure(ROWS, "≥0.8", pairs, f"{clients:,} clients, bare INSERT … SELECT")


def import_vs_default(bench: Bench) -> Figure:
    return against_default(bench, POSTGRES, "≥30")


def import_sqlite_vs_default(bench: Bench) -> Figure:
    return against_default(bench, SQLITE, "≥20")


def against_default(bench: Bench, kind: str, goal: str) -> Figure:
    """Both look at the file first and then load it; the library gets a slice, or it would take minutes."""
    rows, few = bench.size(200_000, 20_000), bench.size(5_000, 2_000)
    pairs = paired(
        bench.repeat, lambda: bench.import_rate(kind, "ours", rows), lambda: bench.import_rate(kind, "theirs", few)
    )
    return Figure(ROWS, goal, pairs, f"{rows:,} new clients, django-import-export with {few:,}")


def import_update_vs_new(bench: Bench) -> Figure:
    rows = bench.size(200_000, 20_000)

    def both() -> tuple[float, float]:
        found = bench.imported(POSTGRES, "again", rows)
        return rows / found["seconds"], rows / found["first"]["seconds"]

    return Figure(ROWS, "≥0.5", [both() for _ in range(bench.repeat)], f"{rows:,} rows, one column changed")


def import_memory_growth(bench: Bench) -> Figure:
    """As `mailing_memory_growth`: two pairs are enough."""
    many, few = bench.size(1_000_000, 100_000), 20_000

    def peak(rows: int) -> float:
        return float(bench.imported(POSTGRES, "ours", rows)["peak_memory"] / MEGABYTE)

    pairs = paired(min(bench.repeat, 2), lambda: peak(many), lambda: peak(few))
    return Figure("MB", "≤1.2", pairs, f"{many:,} rows against {few:,}")


def import_xlsx_vs_csv(bench: Bench) -> Figure:
    rows = bench.size(100_000, 10_000)
    pairs = paired(
        bench.repeat,
        lambda: bench.import_rate(POSTGRES, "ours", rows, "xlsx"),
        lambda: bench.import_rate(POSTGRES, "ours", rows),
    )
    return Figure(ROWS, "≥0.15", pairs, f"{rows:,} rows")


def page_against_small(bench: Bench, name: str) -> Figure:
    def times(is_big: bool) -> float:
        return bench.page_times(is_big)[name]

    pairs = paired(bench.repeat, lambda: times(True), lambda: times(False))
    return Figure("ms", "≤1.5", pairs, "1,000,000 clients, 5,000,000 attempts against 1,000 and 5,000")


def page_against_page(bench: Bench, ours: str, theirs: str, note: str) -> Figure:
    found = [bench.page_times(is_big=True) for _ in range(bench.repeat)]
    return Figure("ms", "≤1.5", [(times[ours], times[theirs]) for times in found], note)


def clients_page_vs_small(bench: Bench) -> Figure:
    return page_against_small(bench, "clients")


def attempts_page_vs_small(bench: Bench) -> Figure:
    return page_against_small(bench, "attempts")


def home_page_vs_small(bench: Bench) -> Figure:
    return page_against_small(bench, "home")


def mailing_page_vs_small(bench: Bench) -> Figure:
    return page_against_small(bench, "mailing")


def clients_page_shared_vs_owned(bench: Bench) -> Figure:
    return page_against_page(bench, "clients_guest", "clients_alone", "100 lists shared with him against none")


def manager_page_vs_owner(bench: Bench) -> Figure:
    return page_against_page(bench, "clients_manager", "clients", "everybody's clients against half of them")


FIGURES: Mapping[str, Callable[[Bench], Figure]] = {
    measure.__name__: measure
    for measure in (
        engine_vs_smtp_source,
        mailing_vs_smtp_source,
        mailing_10ms_vs_smtp_source,
        mailing_vs_post_office,
        mailing_memory_growth,
        launch_rows_per_second,
        mailing_sqlite_vs_smtp_source,
        import_vs_default,
        import_update_vs_new,
        import_memory_growth,
        import_xlsx_vs_csv,
        import_sqlite_vs_default,
        clients_page_vs_small,
        clients_page_shared_vs_owned,
        attempts_page_vs_small,
        manager_page_vs_owner,
        home_page_vs_small,
        mailing_page_vs_small,
    )
}
