"""Where each microsecond of a letter goes, from one run with timers around the product's functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mailings.benchmarks.bench import Bench
from mailings.benchmarks.services import Postgres
from mailings.benchmarks.stage import POSTGRES

ROW = "{:<30} {:>9} {:>9} {:>9} {:>5} {:>9} {:>9}"
STATEMENT_ROW = "{:>9} {:>9} {:>9}  {}"
# The slowest statements as the server itself has timed them; checks of foreign keys run at commit and stand apart.
# psycopg2 writes arrays out, so that one statement has many forms: they are summed by how they begin.
STATEMENTS = """
SELECT round((sum(total_plan_time) * 1000 / {letters})::numeric, 1) || '|'
    || round((sum(total_exec_time) * 1000 / {letters})::numeric, 1) || '|' || sum(calls) || '|' || beginning
FROM (SELECT *, left(regexp_replace(query, '\\s+', ' ', 'g'), 80) AS beginning FROM pg_stat_statements) AS statement
JOIN pg_database ON pg_database.oid = dbid
WHERE datname = current_database() GROUP BY beginning ORDER BY sum(total_exec_time) DESC LIMIT 10
"""
FLUSHES = "SELECT wal_sync || '|' || wal_sync_time || '|' || wal_bytes FROM pg_stat_wal"


def profile(bench: Bench, kind: str, cprofile: str) -> str:
    clients = bench.size(20_000, 10_000)
    lines = [f"\n{clients:,} recipients, {kind}, one worker:"]
    with bench.stage.database(kind, clients) as url:
        postgres = bench.stage.postgres if kind == POSTGRES else None
        server = watch(postgres, url.rpartition("/")[2]) if postgres else None
        lines.append(table(bench.work(url, clients, "--profile")))
        if server:
            lines.append(server.told(clients))
    if cprofile:
        with bench.stage.database(kind, clients) as url:
            bench.work(url, clients, "--cprofile", Path(cprofile).resolve())
        lines.append(f"cProfile's figures are in {cprofile}: python -m pstats {cprofile}")
    return "\n".join(lines)


def table(found: dict[str, Any]) -> str:
    """Print µs per letter; what runs in several threads at once adds up to more than the clock says."""
    letters = found["total"]
    clock = found["seconds"] / letters * 1e6
    lines = [ROW.format("µs per letter", "Python", "database", "together", "%", "own CPU", "calls")]
    rest = clock
    for place in (place for place in found["timers"] if place["calls"]):
        python, database, cpu = (place[name] / letters * 1e6 for name in ("python", "database", "cpu"))
        both = python + database
        rest -= both
        figures = f"{python:.1f}", f"{database:.1f}", f"{both:.1f}", f"{both / clock * 100:.0f}", f"{cpu:.1f}"
        lines.append(ROW.format(place["place"], *figures, f"{place['calls']:,}"))
    lines.append(ROW.format("outside all of these", "", "", f"{rest:.1f}", f"{rest / clock * 100:.0f}", "", ""))
    cpu = found["cpu"] / letters * 1e6
    lines.append(ROW.format("the clock", "", "", f"{clock:.1f}", "100", f"{cpu:.1f}", f"{letters:,}"))
    lines += [f"not timed, for it is not there any more: {name}" for name in found["missing"]]
    return "\n".join(lines)


class Watch:
    """What PostgreSQL says about one database's statements, and about the flushes of the log since the start."""

    def __init__(self, postgres: Postgres, database: str) -> None:
        self.postgres = postgres
        self.database = database
        self.before = self.flushes()

    def flushes(self) -> list[float]:
        return [float(figure) for figure in self.postgres.ask(FLUSHES).split("|")]

    def told(self, letters: int) -> str:
        lines = [STATEMENT_ROW.format("planning", "executing", "calls", "inside PostgreSQL, µs per letter")]
        slowest = self.postgres.ask(STATEMENTS.format(letters=letters), self.database).splitlines()
        lines += [STATEMENT_ROW.format(*line.split("|", 3)) for line in slowest]
        count, milliseconds, octets = (now - was for now, was in zip(self.flushes(), self.before, strict=True))
        words = f"flushes of the log, {octets / letters:,.0f} octets a letter"
        flushes = STATEMENT_ROW.format("", f"{milliseconds * 1000 / letters:.1f}", f"{count:.0f}", words)
        return "\n".join([*lines, flushes])


def watch(postgres: Postgres, database: str) -> Watch | None:
    """Have the server time the statements of this database, where it has the extension for it."""
    if not postgres.has_statements:
        return None
    postgres.ask("CREATE EXTENSION pg_stat_statements", database)
    for setting in (
        "pg_stat_statements.track = 'all'",
        "pg_stat_statements.track_planning = on",
        "track_wal_io_timing = on",
    ):
        postgres.ask(f"ALTER DATABASE {database} SET {setting}")
    return Watch(postgres, database)
