"""The base in PostgreSQL: a chunk goes into a staging table by COPY, and from there to its places in one statement."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from mailings.models import ClientList, ImportJob
from mailings.operations.imports.base.fields import defaults, recorded_changes
from mailings.operations.imports.row import Kind, Row

FIELDS = {
    "email": "text",
    "full_name": "text",
    "comment": "text",
    "attributes": "jsonb",
    "consent_at": "timestamptz",
    "consent_source": "text",
}
# Blank cells of a new client; the columns are NOT NULL.
BLANKS = {"attributes": "'{}'", "consent_at": "NULL"}
COLUMNS = ("place", "id", *FIELDS, "changes")
STAGE = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS import_stage (
    place int, id bigint, {", ".join(f"{name} {kind}" for name, kind in FIELDS.items())}, changes jsonb
) ON COMMIT DELETE ROWS;
DELETE FROM import_stage
"""  # noqa: S608  our own names
# A control character of its own for NULL leaves the backslash to mean that a text has to be escaped.
NULL = "\x01"
COPY = f"COPY import_stage ({', '.join(COLUMNS)}) FROM STDIN (NULL '{NULL}')"
KNOWN = f"""
SELECT id, {", ".join(name if kind != "jsonb" else f"{name}::text" for name, kind in FIELDS.items())}
FROM mailings_client WHERE owner_id = %s AND email = ANY(string_to_array(%s, ' ')) ORDER BY id
"""  # noqa: S608  our own names
SUPPRESSED = """
SELECT address FROM mailings_suppression
WHERE address = ANY(string_to_array(%s, ' ')) AND (owner_id = %s OR owner_id IS NULL)
"""
# What somebody else has added since the chunk was compared stays as it is; its place is returned.
WRITE = """
WITH added AS (
    INSERT INTO mailings_client ({columns})
    SELECT {values} FROM import_stage WHERE id IS NULL ORDER BY place
    ON CONFLICT (owner_id, email) DO NOTHING
    RETURNING id, email
), changed AS (
    UPDATE mailings_client AS c SET {settings} FROM import_stage AS s
    WHERE c.id = s.id AND s.changes IS NOT NULL
), touched AS (
    SELECT id, NULL::jsonb AS changes, true AS is_new FROM added
    UNION ALL SELECT id, changes, false FROM import_stage WHERE id IS NOT NULL
), listed AS (
    INSERT INTO mailings_clientlist_clients (clientlist_id, client_id)
    SELECT %(list)s, id FROM touched WHERE %(list)s IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING client_id
), recorded AS (
    INSERT INTO mailings_importedrow (job_id, client_id, is_new, is_listed, changes)
    SELECT %(job)s, id, is_new, listed.client_id IS NOT NULL, changes
    FROM touched LEFT JOIN listed ON listed.client_id = id
    WHERE is_new OR changes IS NOT NULL OR listed.client_id IS NOT NULL
)
SELECT place FROM import_stage AS s WHERE id IS NULL AND NOT EXISTS (SELECT FROM added WHERE added.email = s.email)
"""
RESTORE = "UPDATE mailings_client AS c SET {settings} FROM import_stage AS s WHERE c.id = s.id"
SPECIAL = re.compile(r"[\\\t\n\r\x01]")
ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", NULL: r"\x01"}
encode = json.JSONEncoder(ensure_ascii=False).encode


def known(owner_id: int, emails: list[str], *, locks: bool) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        # No address has a space in it; one text is read by the server many times faster than an array of two thousand.
        cursor.execute(KNOWN + ("FOR NO KEY UPDATE" if locks else ""), [owner_id, " ".join(emails)])
        for row in cursor.fetchall():
            found = dict(zip(("id", *FIELDS), row, strict=True))
            found["attributes"] = json.loads(found["attributes"])
            yield found


def suppressed(owner_id: int, emails: list[str]) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(SUPPRESSED, [" ".join(emails), owner_id])
        for (address,) in cursor.fetchall():
            yield address


def write(job: ImportJob, client_list: ClientList | None, names: list[str], rows: list[Row]) -> list[Row]:
    # The statement is the same for the whole file but for the time of a client's making.
    others = defaults(FIELDS)
    values = [f"coalesce({name}, {BLANKS.get(name, chr(39) * 2)})" for name in FIELDS]
    statement = WRITE.format(
        columns=", ".join(["owner_id", *FIELDS, *others]),
        values=", ".join(["%(owner)s", *values, *(f"%({name})s" for name in others)]),
        settings=assignments([name for name in names if name != "email"]),
    )
    parameters = {"owner": job.owner_id, "job": job.pk, "list": client_list and client_list.pk, **others}
    with connection.cursor() as cursor:
        stage(cursor, (staged(place, row, names) for place, row in enumerate(rows)))
        cursor.execute(statement, parameters)
        return [rows[place] for (place,) in cursor.fetchall()]


def restore(names: list[str], clients: list[dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        stage(cursor, ([None, each["id"], *(each[name] for name in FIELDS), None] for each in clients))
        cursor.execute(RESTORE.format(settings=assignments(names)))


def settle() -> None:
    # Without a look at what has come in, the planner takes an owner for one who has a handful of clients and reads all
    # of them for every chunk.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mailings_client (owner_id, email)")


def assignments(names: list[str]) -> str:
    # An update has to set something.
    return ", ".join(f"{name} = s.{name}" for name in names) or "email = c.email"


def staged(place: int, row: Row, names: list[str]) -> list[Any]:
    """List what the staging table needs of a row: all of a new client, the columns in the file of a changed one."""
    if row.client is None:
        return [place, None, *map(row.values.get, FIELDS), None]
    if row.kind != Kind.CHANGED:
        return [place, row.client["id"], *[None] * len(FIELDS), None]
    wanted = row.client | row.changes
    values = (wanted[name] if name in names else None for name in FIELDS)
    return [place, row.client["id"], *values, recorded_changes(row.client, row.changes)]


def stage(cursor: CursorWrapper, rows: Iterable[list[Any]]) -> None:
    cursor.execute(STAGE)
    cursor.copy_expert(COPY, io.StringIO("".join(map(as_copied, rows))))


def as_copied(row: list[Any]) -> str:
    """Write a row as COPY reads it."""
    texts = [NULL if value is None else encode(value) if isinstance(value, dict) else str(value) for value in row]
    together = "".join(texts).replace(NULL, "")
    if not together.isprintable() or "\\" in together:
        texts = [
            text if value is None else SPECIAL.sub(lambda found: ESCAPES[found[0]], text)
            for text, value in zip(texts, row, strict=True)
        ]
    return "\t".join(texts) + "\n"
