"""The ledger in SQLite, which has no server to travel to: plain statements, as many as it takes, in one transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from mailings.models import Delivery
from mailings.operations.ledger.entry import LEASE, Entry, Row, Turn

SETTLE = """
UPDATE mailings_delivery SET
    state = ?, reason = ?, next_try_at = ?, tries = tries + ?, claim_token = NULL, lease_until = NULL
WHERE id = ? AND state = 'sending' AND claim_token = ?
"""
ATTEMPT = """
INSERT INTO mailings_attempt
    (owner_id, run_id, delivery_id, made_at, outcome, reason, stage, code, enhanced_code, answer)
VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?)
"""
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
# The list of states repeats the condition of the index `delivery_undecided`, without which SQLite would not use it.
PENDING = """
SELECT d.id,
    CASE
        WHEN c.id IS NULL THEN 'cancelled'
        WHEN EXISTS (
            SELECT 1 FROM mailings_suppression AS s
            WHERE s.address IN (d.address, c.email)
                AND (s.owner_id IS NULL OR s.owner_id = d.owner_id OR s.owner_id = c.owner_id)
        ) THEN 'suppressed'
        ELSE 'sending'
    END,
    d.address, d.message_id, d.tries, c.full_name, c.attributes
FROM mailings_delivery AS d LEFT JOIN mailings_client AS c ON c.id = d.client_id
WHERE d.run_id = ? AND d.state = 'pending' AND d.id > ? AND d.state IN ('pending', 'sending', 'deferred') AND EXISTS (
    SELECT 1 FROM mailings_run AS r
    JOIN mailings_mailing AS m ON m.id = r.mailing_id JOIN accounts_user AS u ON u.id = r.owner_id
    WHERE r.id = d.run_id AND r.finished_at IS NULL
        AND m.status = 'running' AND m.finish_send_at > ? AND u.is_active
)
ORDER BY d.id LIMIT ?
"""
TAKE = "UPDATE mailings_delivery SET state = 'sending', claim_token = ?, lease_until = ? WHERE id = ?"
DECIDE = "UPDATE mailings_delivery SET state = ?, reason = ? WHERE id = ?"

State = Delivery.State
SUMS = (State.ACCEPTED, State.REFUSED, State.DEFERRED, State.UNKNOWN, State.SUPPRESSED, State.CANCELLED)
REASONS = {State.CANCELLED: "client_deleted", State.SUPPRESSED: "suppressed"}


def take(turn: Turn) -> list[Row]:
    """Record the entries and claim; see `ledger.take`.

    Past Django's cursor, which takes longer over each statement than SQLite itself.
    """
    with transaction.atomic():
        link: sqlite3.Connection = connection.connection
        record(link, turn)
        return claim(link, turn) if turn.size else []


def record(link: sqlite3.Connection, turn: Turn) -> None:
    held = [entry for entry in turn.entries if is_settled(link, entry, turn.token.hex)]
    at = as_text(turn.now)
    link.executemany(ATTEMPT, [attempt(turn, entry, at) for entry in held if entry.is_attempt])
    link.executemany(SUPPRESS, [(at, entry.id) for entry in held if entry.suppresses])
    add_sums(link, turn, Counter(entry.state for entry in held))


def is_settled(link: sqlite3.Connection, entry: Entry, token: str) -> bool:
    """Write a delivery's next state, and tell whether it was still this worker's to write."""
    values = (entry.state, entry.reason, as_text(entry.next_try_at), entry.is_attempt, entry.id, token)
    return link.execute(SETTLE, values).rowcount == 1


def attempt(turn: Turn, entry: Entry, at: str | None) -> tuple[Any, ...]:
    return (
        turn.run.owner_id, turn.run.pk, entry.id, at, entry.state, entry.reason,
        entry.stage, entry.code, entry.enhanced_code, entry.answer,
    )  # fmt: skip


def add_sums(link: sqlite3.Connection, turn: Turn, counts: Counter[str]) -> None:
    sums = [counts[state] for state in SUMS]
    if any(sums):
        link.execute(SUM, (*sums, turn.run.pk))
    if any(sums[:3]):
        hour = as_text(turn.now.replace(minute=0, second=0, microsecond=0))
        link.execute(HOUR, (turn.run.owner_id, turn.run.mailing_id, hour, *sums[:3]))


def claim(link: sqlite3.Connection, turn: Turn) -> list[Row]:
    rows: list[Row] = link.execute(PENDING, (turn.run.pk, turn.after, as_text(turn.now), turn.size)).fetchall()
    until = as_text(turn.now + LEASE)
    link.executemany(TAKE, [(turn.token.hex, until, row[0]) for row in rows if row[1] == State.SENDING])
    decided = [row for row in rows if row[1] != State.SENDING]
    link.executemany(DECIDE, [(row[1], REASONS[State(row[1])], row[0]) for row in decided])
    add_sums(link, turn, Counter(row[1] for row in decided))
    return rows


def as_text(moment: datetime | None) -> str | None:
    """Write a time as Django keeps it in SQLite."""
    return connection.ops.adapt_datetimefield_value(moment)
