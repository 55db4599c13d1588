"""Remembers which addresses of a file have come by, on which line, without keeping a million of them in memory."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from types import TracebackType

# A private database without a name: SQLite puts what does not fit into its cache into a file that nobody else sees.
SETTINGS = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -4000", "BEGIN")


class Seen(AbstractContextManager["Seen"]):
    def __init__(self) -> None:
        self.link = sqlite3.connect("", isolation_level=None)
        for setting in SETTINGS:
            self.link.execute(setting)
        self.link.execute("CREATE TABLE seen (address TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.link.close()

    def first_line(self, address: str, line: int) -> int:
        """Tell on which line an address stood first: this one, if it has not come by before."""
        added = self.link.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (address, line))
        if added.rowcount:
            return line
        found: tuple[int] = self.link.execute("SELECT line FROM seen WHERE address = ?", (address,)).fetchone()
        return found[0]
