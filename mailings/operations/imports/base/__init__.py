"""An owner's base of clients, asked and written by the chunk: what is known of addresses, and what a chunk changes.

One interface, two databases: COPY and one statement in PostgreSQL, many small ones in SQLite.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from mailings.models import ClientList, ImportJob
from mailings.operations.imports.base import postgresql, sqlite
from mailings.operations.imports.row import Row

Known = dict[str, dict[str, Any]]


def database() -> Any:
    return postgresql if connection.vendor == "postgresql" else sqlite


def known(owner_id: int, emails: list[str], *, locks: bool = False) -> Known:
    """Find the clients with these addresses: their ids and fields, by address. `locks` them for who means to write."""
    found: Known = {row["email"]: row for row in database().known(owner_id, emails, locks=locks)}
    return found


def suppressed(owner_id: int, emails: list[str]) -> set[str]:
    """Find those of the addresses that this owner may not mail."""
    return set(database().suppressed(owner_id, emails))


def write(job: ImportJob, client_list: ClientList | None, names: list[str], rows: list[Row]) -> list[Row]:
    """Add, change and put on the list, and record each; `names` are the fields that the file has.

    Returns the rows that it did not add because somebody else had added their clients since they were compared.
    """
    late: list[Row] = database().write(job, client_list, names, rows) if rows else []
    return late


def restore(names: list[str], clients: list[dict[str, Any]]) -> None:
    """Write these fields of clients, given as dictionaries with ids."""
    if clients:
        database().restore(names, clients)


def settle() -> None:
    """Let the database look at what has come in, where it plans badly otherwise."""
    database().settle()
