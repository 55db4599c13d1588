"""The torture's own database, on a server that is given or in a file; writes to it can be held up, lines to it cut."""

from __future__ import annotations

import contextlib
import re
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

# The workers' signs of life come every minute, whatever is to be held up.
HELD = """
SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables
WHERE schemaname = 'public' AND tablename LIKE 'mailings%' AND tablename <> 'mailings_worker'
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


class Database:
    """:param server_url: a PostgreSQL server where databases may be made; empty for SQLite."""

    def __init__(self, folder: Path, server_url: str = "") -> None:
        self.server_url = server_url
        self.name = f"torture_{secrets.token_hex(6)}"
        if server_url:
            self.url = re.sub(r"/[^/?]*(\?|$)", rf"/{self.name}\1", server_url, count=1)
            self.ask(f"CREATE DATABASE {self.name}")
        else:
            self.url = f"sqlite:///{folder / 'torture.sqlite3'}"

    def drop(self) -> None:
        if self.server_url:
            self.ask(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def ask(self, statement: str, *values: str) -> list[tuple[object, ...]]:
        """Have the server do something, on a connection that is not to our database."""
        import psycopg2  # noqa: PLC0415  not needed for SQLite

        with contextlib.closing(psycopg2.connect(self.server_url)) as link:
            link.autocommit = True
            cursor = link.cursor()
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def end_connections(self) -> None:
        """Let the server end all connections to our database, the clerk's included."""
        self.ask(END, self.name)

    def is_write_waiting(self) -> bool:
        """Tell whether somebody waits for a lock."""
        return self.ask(WAITING, self.name) != [(0,)]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let everybody read and nobody write; a connection that is broken meanwhile lets go."""
        if self.server_url:
            with self.held_tables():
                yield
        else:
            with contextlib.closing(sqlite3.connect(urlsplit(self.url).path, isolation_level=None, timeout=30)) as link:
                link.execute("BEGIN IMMEDIATE")
                yield

    @contextlib.contextmanager
    def held_tables(self) -> Iterator[None]:
        import psycopg2  # noqa: PLC0415  not needed for SQLite

        with contextlib.closing(psycopg2.connect(self.url)) as link:
            cursor = link.cursor()
            cursor.execute(HELD)
            cursor.execute(f"LOCK TABLE {cursor.fetchone()[0]} IN EXCLUSIVE MODE")
            yield

    def is_free(self) -> bool:
        """Tell whether nobody holds SQLite's one right to write."""
        if self.server_url:
            return True
        with contextlib.closing(sqlite3.connect(urlsplit(self.url).path, isolation_level=None, timeout=0.2)) as link:
            try:
                link.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            return True
