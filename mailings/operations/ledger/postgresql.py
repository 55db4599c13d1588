"""The ledger in PostgreSQL: one statement records a window, one claims the next, both in one trip to the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from mailings.operations.ledger.entry import LEASE, Entry, Row, Turn

# IS TRUE hides the state from the planner, who would else look for it in the index of the undecided: by then that holds
# an entry for every row that was ever being sent, dead until the next vacuum.
RECORD = """
WITH entry (id, state, reason, next_try_at, stage, code, enhanced_code, answer, suppresses) AS (
    SELECT * FROM unnest(
        %(ids)s, %(states)s, %(reasons)s, %(next_tries)s, %(stages)s,
        %(codes)s, %(enhanced_codes)s, %(answers)s, %(suppresses)s
    )
), held AS (
    UPDATE mailings_delivery AS d SET
        state = entry.state, reason = entry.reason, next_try_at = entry.next_try_at,
        tries = d.tries + (entry.state <> 'pending')::int, claim_token = NULL, lease_until = NULL
    FROM entry WHERE d.id = entry.id AND (d.state = 'sending') IS TRUE AND d.claim_token = %(token)s
    RETURNING d.id, d.address
), attempt AS (
    INSERT INTO mailings_attempt
        (owner_id, run_id, delivery_id, made_at, outcome, reason, stage, code, enhanced_code, answer)
    SELECT %(owner)s, %(run)s, id, %(now)s, state, reason, stage, nullif(code, 0), enhanced_code, answer
    FROM entry JOIN held USING (id) WHERE state <> 'pending' ORDER BY id
), suppression AS (
    INSERT INTO mailings_suppression (owner_id, address, reason, created_at)
    SELECT %(owner)s, address, 'hard_bounce', %(now)s FROM entry JOIN held USING (id) WHERE suppresses
    ON CONFLICT DO NOTHING
), sum AS (
    SELECT
        count(*) FILTER (WHERE state = 'accepted') AS accepted, count(*) FILTER (WHERE state = 'refused') AS refused,
        count(*) FILTER (WHERE state = 'deferred') AS deferred, count(*) FILTER (WHERE state = 'unknown') AS unknown
    FROM entry JOIN held USING (id)
), hour AS (
    INSERT INTO mailings_hourlycounter AS h (owner_id, mailing_id, hour, accepted, refused, deferred)
    SELECT %(owner)s, %(mailing)s, date_trunc('hour', %(now)s), accepted, refused, deferred
    FROM sum WHERE accepted + refused + deferred > 0
    ON CONFLICT (mailing_id, hour) DO UPDATE SET
        accepted = h.accepted + EXCLUDED.accepted, refused = h.refused + EXCLUDED.refused,
        deferred = h.deferred + EXCLUDED.deferred
)
UPDATE mailings_run AS r SET
    accepted = r.accepted + sum.accepted, refused = r.refused + sum.refused,
    deferred = r.deferred + sum.deferred, unknown = r.unknown + sum.unknown
FROM sum WHERE r.id = %(run)s
"""

# The lease is by the database's clock: workers on several hosts need not agree about the time.
CLAIM = """
WITH picked AS (
    SELECT d.id, d.client_id FROM mailings_delivery AS d
    WHERE d.run_id = %(run)s AND d.state = 'pending' AND d.id > %(after)s AND EXISTS (
        SELECT FROM mailings_run AS r
        JOIN mailings_mailing AS m ON m.id = r.mailing_id JOIN accounts_user AS u ON u.id = r.owner_id
        WHERE r.id = %(run)s AND r.finished_at IS NULL
            AND m.status = 'running' AND m.finish_send_at > %(now)s AND u.is_active
    )
    ORDER BY d.id LIMIT %(size)s FOR UPDATE OF d SKIP LOCKED
), judged AS (
    SELECT p.id, c.full_name, c.attributes, CASE
        WHEN c.id IS NULL THEN 'cancelled'
        WHEN EXISTS (
            SELECT FROM mailings_suppression AS s
            WHERE s.address IN (d.address, c.email)
                AND (s.owner_id IS NULL OR s.owner_id = %(owner)s OR s.owner_id = c.owner_id)
        ) THEN 'suppressed'
        ELSE 'sending'
    END AS state
    FROM picked AS p JOIN mailings_delivery AS d ON d.id = p.id LEFT JOIN mailings_client AS c ON c.id = p.client_id
), counted AS (
    UPDATE mailings_run AS r SET cancelled = r.cancelled + n.cancelled, suppressed = r.suppressed + n.suppressed
    FROM (
        SELECT count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE state = 'suppressed') AS suppressed FROM judged
    ) AS n
    WHERE r.id = %(run)s AND n.cancelled + n.suppressed > 0
)
UPDATE mailings_delivery AS d SET
    state = j.state,
    reason = CASE j.state WHEN 'cancelled' THEN 'client_deleted' WHEN 'suppressed' THEN 'suppressed' ELSE d.reason END,
    claim_token = CASE j.state WHEN 'sending' THEN %(token)s END,
    lease_until = CASE j.state WHEN 'sending' THEN now() + %(lease)s END
FROM judged AS j WHERE d.id = j.id
RETURNING d.id, j.state, d.address, d.message_id, d.tries, j.full_name, j.attributes::text
"""


# What the statements take, by the name and type of each parameter.
TYPES = {
    "ids": "bigint[]",
    "states": "text[]",
    "reasons": "text[]",
    "next_tries": "timestamptz[]",
    "stages": "text[]",
    "codes": "smallint[]",
    "enhanced_codes": "text[]",
    "answers": "text[]",
    "suppresses": "bool[]",
    "run": "bigint",
    "owner": "bigint",
    "mailing": "bigint",
    "token": "uuid",
    "now": "timestamptz",
    "after": "bigint",
    "size": "int",
    "lease": "interval",
}


class Statement:
    """A statement planned once per connection: planning it for each window took longer than running it."""

    def __init__(self, name: str, text: str) -> None:
        self.names = [name for name in TYPES if f"%({name})s" in text]
        places = {name: f"${number}" for number, name in enumerate(self.names, 1)}
        types = ", ".join(TYPES[name] for name in self.names)
        self.preparation = f"PREPARE {name} ({types}) AS {text % places}"
        self.call = f"EXECUTE {name} ({', '.join(f'%({name})s' for name in self.names)})"


RECORDING, CLAIMING = Statement("postroom_record", RECORD), Statement("postroom_claim", CLAIM)


def prepare(cursor: CursorWrapper) -> None:
    """Prepare the statements on a connection that has not got them yet."""
    if getattr(connection, "postroom_prepared", None) is not connection.connection:
        cursor.execute("DEALLOCATE ALL")
        cursor.execute(RECORDING.preparation)
        cursor.execute(CLAIMING.preparation)
        connection.postroom_prepared = connection.connection  # type: ignore[attr-defined]  # a note of ours


def take(turn: Turn) -> list[Row]:
    """Record the entries and claim; see `ledger.take`.

    Several statements in one query are one transaction of their own, which spares the trips for BEGIN and COMMIT.
    """
    values: dict[str, Any] = {
        "run": turn.run.pk,
        "owner": turn.run.owner_id,
        "mailing": turn.run.mailing_id,
        "token": turn.token,
        "now": turn.now,
        "after": turn.after,
        "size": turn.size,
        "lease": LEASE,
    }
    calls = [RECORDING.call] if turn.entries else []
    calls += [CLAIMING.call] if turn.size else []
    with connection.cursor() as cursor:
        prepare(cursor)
        cursor.execute(";".join(calls), values | columns(turn.entries))
        return cursor.fetchall() if turn.size else []


def columns(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    return {
        "ids": [entry.id for entry in entries],
        "states": [entry.state for entry in entries],
        "reasons": [entry.reason for entry in entries],
        "next_tries": [entry.next_try_at for entry in entries],
        "stages": [entry.stage for entry in entries],
        "codes": [entry.code for entry in entries],
        "enhanced_codes": [entry.enhanced_code for entry in entries],
        "answers": [entry.answer for entry in entries],
        "suppresses": [entry.suppresses for entry in entries],
    }
