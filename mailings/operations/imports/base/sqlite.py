"""The base in SQLite, which has no server to travel to: plain statements, past Django's cursor, in the transaction of
the caller.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

from django.db import connection

from mailings.models import ClientList, ImportJob
from mailings.operations.imports.base.fields import defaults, recorded_changes
from mailings.operations.imports.row import Kind, Row

FIELDS = ("email", "full_name", "comment", "attributes", "consent_at", "consent_source")
KNOWN = f"""
SELECT id, {", ".join(FIELDS)} FROM mailings_client
WHERE owner_id = ? AND email IN (SELECT value FROM json_each(?)) ORDER BY id
"""  # noqa: S608  our own names
SUPPRESSED = """
SELECT address FROM mailings_suppression
WHERE address IN (SELECT value FROM json_each(?)) AND (owner_id = ? OR owner_id IS NULL)
"""
LIST = "INSERT OR IGNORE INTO mailings_clientlist_clients (clientlist_id, client_id) VALUES (?, ?)"
RECORD = "INSERT INTO mailings_importedrow (job_id, client_id, is_new, is_listed, changes) VALUES (?, ?, ?, ?, ?)"


def known(owner_id: int, emails: list[str], *, locks: bool) -> Iterator[dict[str, Any]]:
    # Who means to write has begun his transaction with the lock of the whole database (transaction_mode IMMEDIATE).
    for row in link().execute(KNOWN, (owner_id, json.dumps(emails))):
        found = dict(zip(("id", *FIELDS), row, strict=True))
        found["attributes"] = json.loads(found["attributes"])
        given: datetime | None = found["consent_at"]
        found["consent_at"] = given and given.replace(tzinfo=connection.timezone)
        yield found


def suppressed(owner_id: int, emails: list[str]) -> Iterator[str]:
    for (address,) in link().execute(SUPPRESSED, (json.dumps(emails), owner_id)):
        yield address


def write(job: ImportJob, client_list: ClientList | None, names: list[str], rows: list[Row]) -> list[Row]:
    connected = link()
    ids = add(connected, job.owner_id, rows)
    restore(
        [name for name in names if name != "email"],
        [row.client | row.changes for row in rows if row.client and row.kind == Kind.CHANGED],
    )
    records = []
    for row, pk in zip(rows, ids, strict=True):
        is_listed = client_list is not None and connected.execute(LIST, (client_list.pk, pk)).rowcount == 1
        if is_listed or row.kind != Kind.UNCHANGED:
            changes = json.dumps(recorded_changes(row.client, row.changes)) if row.client and row.changes else None
            records.append((job.pk, pk, row.client is None, is_listed, changes))
    connected.executemany(RECORD, records)
    return []  # nobody else can have added any: the database was ours since the chunk was compared


def add(connected: sqlite3.Connection, owner_id: int, rows: list[Row]) -> list[int]:
    """Insert the new ones, and return the ids of all, in their order."""
    others = defaults(FIELDS)
    columns = ("id", "owner_id", *FIELDS, *others)
    insert = f"INSERT INTO mailings_client ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608  our own names
    numbers = count(last_id(connected) + 1)
    ids = [row.client["id"] if row.client else next(numbers) for row in rows]
    values = [
        (pk, owner_id, *(as_column(name, row.values.get(name)) for name in FIELDS), *others.values())
        for pk, row in zip(ids, rows, strict=True)
        if not row.client
    ]
    connected.executemany(insert, values)
    return ids


def last_id(connected: sqlite3.Connection) -> int:
    """Find the highest id that a client ever had. Nobody else gives one while the database is ours."""
    found = connected.execute("SELECT seq FROM sqlite_sequence WHERE name = 'mailings_client'").fetchone()
    return int(found[0]) if found else 0


def restore(names: list[str], clients: list[dict[str, Any]]) -> None:
    if not names:
        return
    update = f"UPDATE mailings_client SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?"  # noqa: S608  our own names
    link().executemany(update, [(*(as_column(name, each[name]) for name in names), each["id"]) for each in clients])


def settle() -> None:
    """SQLite finds the right index without a look at the rows."""


def link() -> sqlite3.Connection:
    connection.ensure_connection()
    connected: sqlite3.Connection = connection.connection
    return connected


def as_column(name: str, value: Any) -> Any:
    """Write a value as Django keeps it in SQLite."""
    if name == "attributes":
        return json.dumps(value or {})
    if name == "consent_at":
        return str(value.astimezone(connection.timezone).replace(tzinfo=None)) if value else None
    return value or ""
