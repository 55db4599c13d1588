"""The ledger in SQLite, which has no server to travel to: plain statements, as many as it takes, in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime

from django.db import connection, transaction

from mailings.models import Claim, Delivery
from mailings.operations.lease import lease
from mailings.operations.ledger.entry import Entry, Row, Turn

# One statement for a whole window, its values as JSON: between two statements another thread takes Python's lock.
FIELDS = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(Entry._fields))
SETTLE = f"""
UPDATE mailings_delivery AS d
SET state = entry.state, reason = entry.reason, next_try_at = entry.next_try_at, tries = d.tries + 1
FROM (SELECT {FIELDS} FROM json_each(?)) AS entry
WHERE d.id = entry.id AND d.state = 'pending' AND EXISTS (
    SELECT 1 FROM mailings_claim AS k WHERE k.token = ? AND d.id BETWEEN k.first AND k.mark
)
RETURNING id
"""  # noqa: S608  our own names
ATTEMPT = f"""
INSERT INTO mailings_attempt
    (owner_id, run_id, delivery_id, made_at, outcome, reason, stage, code, enhanced_code, answer)
SELECT ?, ?, id, ?, state, reason, stage, nullif(code, 0), enhanced_code, answer
FROM (SELECT {FIELDS} FROM json_each(?))
"""  # noqa: S608  our own names
SUPPRESS = """
INSERT INTO mailings_suppression (owner_id, address, reason, created_at)
SELECT owner_id, address, 'hard_bounce', ? FROM mailings_delivery WHERE id = ? ON CONFLICT DO NOTHING
"""
SUM = """
UPDATE mailings_run SET
    accepted = accepted + ?, refused = refused + ?, deferred = deferred + ?, unknown = unknown + ?,
    suppressed = suppressed + ?, cancelled = cancelled + ?
WHERE id = ?
"""
HOUR = """
INSERT INTO mailings_hourlycounter (owner_id, mailing_id, hour, accepted, refused, deferred) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (mailing_id, hour) DO UPDATE SET
    accepted = accepted + EXCLUDED.accepted, refused = refused + EXCLUDED.refused,
    deferred = deferred + EXCLUDED.deferred
"""
PICK = """
SELECT d.id, d.address, d.message_id, d.tries, c.full_name, c.attributes,
    CASE
        WHEN c.id IS NULL THEN 'cancelled'
        WHEN EXISTS (
            SELECT 1 FROM mailings_suppression AS s
            WHERE s.address IN (d.address, c.email)
                AND (s.owner_id IS NULL OR s.owner_id = d.owner_id OR s.owner_id = c.owner_id)
        ) THEN 'suppressed'
        ELSE ''
    END
FROM mailings_delivery AS d LEFT JOIN mailings_client AS c ON c.id = d.client_id
WHERE d.run_id = ? AND d.id > ? AND d.id <= (SELECT k.last FROM mailings_claim AS k WHERE k.id = ?)
    AND d.state = 'pending' AND EXISTS (
        SELECT 1 FROM mailings_run AS r
        JOIN mailings_mailing AS m ON m.id = r.mailing_id JOIN accounts_user AS u ON u.id = r.owner_id
        WHERE r.id = d.run_id AND r.finished_at IS NULL
            AND m.status = 'running' AND m.finish_send_at > ? AND u.is_active
    )
ORDER BY d.id LIMIT ?
"""
MOVE = "UPDATE mailings_claim SET mark = ? WHERE id = ?"
RENEW = "UPDATE mailings_claim SET lease_until = ? WHERE token = ?"
DECIDE = "UPDATE mailings_delivery SET state = ?, reason = ? WHERE id = ?"

State = Delivery.State
SUMS = (State.ACCEPTED, State.REFUSED, State.DEFERRED, State.UNKNOWN, State.SUPPRESSED, State.CANCELLED)
REASONS = {State.CANCELLED: "client_deleted", State.SUPPRESSED: "suppressed"}


def begin(turn: Turn) -> Future[list[Row]]:
    """Record the entries and move the mark on, here and now; see `ledger.begin`."""
    done: Future[list[Row]] = Future()
    done.set_result(take(turn))
    return done


def take(turn: Turn) -> list[Row]:
    """Go past Django's cursor, which takes longer over each statement than SQLite itself."""
    with transaction.atomic():
        link: sqlite3.Connection = connection.connection
        if turn.entries:
            record(link, turn)
        link.execute(RENEW, (as_text(turn.now + lease()), turn.token.hex))
        return advance(link, turn, turn.claim) if turn.claim and turn.size else []


def record(link: sqlite3.Connection, turn: Turn) -> None:
    """Write the entries of deliveries that are still this worker's to write."""
    settled = link.execute(SETTLE, (as_json(turn.entries), turn.token.hex)).fetchall()
    held = {pk for (pk,) in settled}
    entries = [entry for entry in turn.entries if entry.id in held]
    at = as_text(turn.now)
    link.execute(ATTEMPT, (turn.run.owner_id, turn.run.pk, at, as_json(entries)))
    link.executemany(SUPPRESS, [(at, entry.id) for entry in entries if entry.suppresses])
    add_sums(link, turn, Counter(entry.state for entry in entries))


def as_json(entries: Sequence[Entry]) -> str:
    return json.dumps(entries, default=as_text)


def add_sums(link: sqlite3.Connection, turn: Turn, counts: Counter[str]) -> None:
    sums = [counts[state] for state in SUMS]
    if any(sums):
        link.execute(SUM, (*sums, turn.run.pk))
    if any(sums[:3]):
        hour = as_text(turn.now.replace(minute=0, second=0, microsecond=0))
        link.execute(HOUR, (turn.run.owner_id, turn.run.mailing_id, hour, *sums[:3]))


def advance(link: sqlite3.Connection, turn: Turn, claim: Claim) -> list[Row]:
    rows: list[Row] = link.execute(PICK, (turn.run.pk, claim.mark, claim.pk, as_text(turn.now), turn.size)).fetchall()
    if rows:
        link.execute(MOVE, (rows[-1][0], claim.pk))
    decided = [row for row in rows if row[-1]]
    link.executemany(DECIDE, [(row[-1], REASONS[State(row[-1])], row[0]) for row in decided])
    add_sums(link, turn, Counter(row[-1] for row in decided))
    return rows


def as_text(moment: datetime | None) -> str | None:
    """Write a time as Django keeps it in SQLite."""
    return connection.ops.adapt_datetimefield_value(moment)
