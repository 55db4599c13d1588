"""Databases for the runs: each gets a fresh copy of a filled one, statistics included; SQLite or PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from mailings.benchmarks.letter import SENDER, SENDER_NAME, SITE_URL
from mailings.benchmarks.processes import run, run_module
from mailings.benchmarks.services import Postgres

POSTGRES, SQLITE = "PostgreSQL", "SQLite"
OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "SENDING_LIMITS",
    "EMAIL_",
    "DEFAULT_",
    "REPLY_TO",
    "POSTAL_",
    "DEBUG",
)


class Stage:
    """What is prepared is kept for the next run of the same size; every run has a database of its own."""

    def __init__(self, scratch: Path, postgres: Postgres, redis_url: str) -> None:
        self.scratch = scratch
        self.postgres = postgres
        self.redis_url = redis_url
        self.numbers = count(1)
        self.prepared: set[str] = set()
        self.key = secrets.token_urlsafe(60)

    def environment(self, database_url: str, port: int = 1, connections: int = 10) -> dict[str, str]:
        """Give the settings of a run as production has them: no DEBUG, a quiet log."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return kept | {
            "READ_DOT_ENV": "0",
            "SECRET_KEY": self.key,
            "SITE_URL": SITE_URL,
            "ALLOWED_HOSTS": urlsplit(SITE_URL).hostname or "",
            "DATABASE_URL": database_url,
            "REDIS_URL": "" if database_url.startswith("sqlite") else self.redis_url,
            "QUEUE_FILE": str(self.scratch / "queue.sqlite3"),
            "UPLOAD_DIR": str(self.scratch / "uploads"),
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(port),
            "DEFAULT_FROM_EMAIL": f"{SENDER_NAME} <{SENDER}>",
            "SENDING_CONNECTIONS": str(connections),
            "LOG_LEVEL": "ERROR",
        }

    @contextlib.contextmanager
    def database(self, kind: str, clients: int) -> Iterator[str]:
        """Yield the URL of a database with so many clients, all in one list, and a mailing to it."""
        template = f"clients_{clients}"
        self.prepare(kind, template, clients)
        name = f"run_{next(self.numbers)}"
        self.copy(kind, name, template)
        try:
            yield self.url(kind, name)
        finally:
            self.drop(kind, name)

    @contextlib.contextmanager
    def bare_database(self) -> Iterator[str]:
        """Yield the URL of an empty database in PostgreSQL."""
        name = f"run_{next(self.numbers)}"
        self.postgres.ask(f"CREATE DATABASE {name}")
        try:
            yield self.url(POSTGRES, name)
        finally:
            self.drop(POSTGRES, name)

    @contextlib.contextmanager
    def migrated_database(self, kind: str) -> Iterator[str]:
        """Yield the URL of a database with every table and no row."""
        self.make_empty(kind)
        name = f"run_{next(self.numbers)}"
        self.copy(kind, name, "empty")
        try:
            yield self.url(kind, name)
        finally:
            self.drop(kind, name)

    def kept(self, name: str) -> tuple[str, bool]:
        """Return the URL of a migrated database in PostgreSQL that stays, and whether it is new."""
        is_new = name not in self.prepared
        if is_new:
            self.make_empty(POSTGRES)
            self.copy(POSTGRES, name, "empty")
            self.prepared.add(name)
        return self.url(POSTGRES, name), is_new

    def prepare(self, kind: str, template: str, clients: int) -> None:
        if f"{kind} {template}" in self.prepared:
            return
        self.make_empty(kind)
        self.copy(kind, template, "empty")
        run_module("workload", clients, seconds=300, env=self.environment(self.url(kind, template)))
        self.prepared.add(f"{kind} {template}")

    def make_empty(self, kind: str) -> None:
        if f"{kind} empty" in self.prepared:
            return
        if kind == POSTGRES:
            self.postgres.ask("CREATE DATABASE empty")
        run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            seconds=120,
            env=self.environment(self.url(kind, "empty")),
        )
        self.prepared.add(f"{kind} empty")

    def url(self, kind: str, name: str) -> str:
        return self.postgres.url(name) if kind == POSTGRES else f"sqlite:///{self.file(name)}"

    def file(self, name: str) -> Path:
        return self.scratch / f"{name}.sqlite3"

    def copy(self, kind: str, name: str, template: str) -> None:
        if kind == POSTGRES:
            self.postgres.copy(name, template)
        else:
            shutil.copy(self.file(template), self.file(name))

    def drop(self, kind: str, name: str) -> None:
        if kind == POSTGRES:
            self.postgres.drop(name)
        else:
            for path in self.scratch.glob(f"{name}.sqlite3*"):
                path.unlink()
