"""The ledger in PostgreSQL: one statement records a window, one claims the next, both in one trip to the server."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection

from mailings.operations.lease import lease
from mailings.operations.ledger.entry import Entry, Row, Turn

# The claim's row is held first, then the deliveries, then the run: control and recovery take them in the same order.
RECORD = """
WITH entry (id, state, reason, next_try_at, stage, code, enhanced_code, answer, suppresses) AS (
    SELECT * FROM unnest(
        %(ids)s, %(states)s, %(reasons)s, %(next_tries)s, %(stages)s,
        %(codes)s, %(enhanced_codes)s, %(answers)s, %(suppresses)s
    )
), mine AS (
    SELECT first, mark FROM mailings_claim WHERE token = %(token)s FOR UPDATE
), held AS (
    UPDATE mailings_delivery AS d
    SET state = entry.state, reason = entry.reason, next_try_at = entry.next_try_at, tries = d.tries + 1
    FROM entry
    WHERE d.id = entry.id AND d.state = 'pending' AND EXISTS (SELECT FROM mine WHERE d.id BETWEEN first AND mark)
    RETURNING entry.*, d.address
), attempt AS (
    INSERT INTO mailings_attempt
        (owner_id, run_id, delivery_id, made_at, outcome, reason, stage, code, enhanced_code, answer)
    SELECT %(owner)s, %(run)s, id, %(now)s, state, reason, stage, nullif(code, 0), enhanced_code, answer
    FROM held ORDER BY id
), suppression AS (
    INSERT INTO mailings_suppression (owner_id, address, reason, created_at)
    SELECT %(owner)s, address, 'hard_bounce', %(now)s FROM held WHERE suppresses
    ON CONFLICT DO NOTHING
), sum AS (
    SELECT
        count(*) FILTER (WHERE state = 'accepted') AS accepted, count(*) FILTER (WHERE state = 'refused') AS refused,
        count(*) FILTER (WHERE state = 'deferred') AS deferred, count(*) FILTER (WHERE state = 'unknown') AS unknown
    FROM held
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

# The lease is by the database's clock: workers on several hosts need not agree about the time. A claim that control has
# cut short (`last`) is seen even if this statement began before: the row is looked at again once it can be held.
ADVANCE = """
WITH picked AS (
    SELECT id, client_id, address, message_id, tries FROM mailings_delivery
    WHERE run_id = %(run)s AND id > %(mark)s AND id <= %(last)s AND state = 'pending' AND EXISTS (
        SELECT FROM mailings_run AS r
        JOIN mailings_mailing AS m ON m.id = r.mailing_id JOIN accounts_user AS u ON u.id = r.owner_id
        WHERE r.id = %(run)s AND r.finished_at IS NULL
            AND m.status = 'running' AND m.finish_send_at > %(now)s AND u.is_active
    )
    ORDER BY id LIMIT %(size)s
), judged AS (
    SELECT p.id, p.address, p.message_id, p.tries, c.full_name, c.attributes, CASE
        WHEN c.id IS NULL THEN 'cancelled'
        WHEN EXISTS (
            SELECT FROM mailings_suppression AS s
            WHERE s.address IN (p.address, c.email)
                AND (s.owner_id IS NULL OR s.owner_id = %(owner)s OR s.owner_id = c.owner_id)
        ) THEN 'suppressed'
        ELSE ''
    END AS fate
    FROM picked AS p LEFT JOIN mailings_client AS c ON c.id = p.client_id
), reached AS (
    SELECT coalesce(max(id), %(mark)s) AS mark FROM picked
), moved AS (
    UPDATE mailings_claim AS k SET
        lease_until = now() + %(lease)s, mark = CASE k.id WHEN %(claim)s THEN reached.mark ELSE k.mark END
    FROM reached WHERE k.token = %(token)s AND (k.id <> %(claim)s OR k.last >= reached.mark) RETURNING k.id
), taken AS (
    SELECT judged.* FROM judged, moved WHERE moved.id = %(claim)s
), decided AS (
    UPDATE mailings_delivery AS d SET
        state = t.fate, reason = CASE t.fate WHEN 'cancelled' THEN 'client_deleted' ELSE 'suppressed' END
    FROM taken AS t WHERE d.id = t.id AND t.fate <> '' AND d.state = 'pending' RETURNING d.state
), counted AS (
    UPDATE mailings_run AS r SET cancelled = r.cancelled + n.cancelled, suppressed = r.suppressed + n.suppressed
    FROM (
        SELECT count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE state = 'suppressed') AS suppressed FROM decided
    ) AS n
    WHERE r.id = %(run)s AND n.cancelled + n.suppressed > 0
)
SELECT id, address, replace(message_id::text, '-', ''), tries, full_name, attributes::text, fate FROM taken ORDER BY id
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
    "claim": "bigint",
    "mark": "bigint",
    "last": "bigint",
    "size": "int",
    "lease": "interval",
}
COLUMNS = tuple(TYPES)[: len(Entry._fields)]


class Statement:
    """A statement planned once per connection: planning it for each window took longer than running it."""

    def __init__(self, name: str, text: str) -> None:
        self.names = [name for name in TYPES if f"%({name})s" in text]
        places = {name: f"${number}" for number, name in enumerate(self.names, 1)}
        types = ", ".join(TYPES[name] for name in self.names)
        self.preparation = f"PREPARE {name} ({types}) AS {text % places}"
        self.call = f"EXECUTE {name} ({', '.join(f'%({name})s' for name in self.names)})"


RECORDING, ADVANCING = Statement("postroom_record", RECORD), Statement("postroom_advance", ADVANCE)


# These threads, one per run at work, wait for the server and do nothing else: the callers go on with the letters.
_waiters = ThreadPoolExecutor(32, "ledger")


def begin(turn: Turn) -> Future[list[Row]]:
    """Begin to record the entries and to move the mark on; see `ledger.begin`.

    Several statements in one query are one transaction of their own, which spares the trips for BEGIN and COMMIT. The
    connection is the calling thread's, which must not use it before the end.
    """
    values: dict[str, Any] = {
        "run": turn.run.pk,
        "owner": turn.run.owner_id,
        "mailing": turn.run.mailing_id,
        "token": turn.token,
        "now": turn.now,
        "size": turn.size,
        "lease": lease(),
        "claim": turn.claim.pk if turn.claim else 0,
        "mark": turn.claim.mark if turn.claim else 0,
        "last": turn.claim.last if turn.claim else 0,
    }
    call = f"{RECORDING.call};{ADVANCING.call}" if turn.entries else ADVANCING.call
    connection.ensure_connection()
    cursor = connection.connection.cursor()
    with connection.wrap_database_errors:
        prepare(cursor)
    return _waiters.submit(fetch, cursor, cursor.mogrify(call, values | columns(turn.entries)))


def prepare(cursor: Any) -> None:
    """Prepare the statements on a connection that has not got them yet."""
    if getattr(connection, "postroom_prepared", None) is not connection.connection:
        cursor.execute("DEALLOCATE ALL")
        cursor.execute(RECORDING.preparation)
        cursor.execute(ADVANCING.preparation)
        connection.postroom_prepared = connection.connection  # type: ignore[attr-defined]  # a note of ours


def fetch(cursor: Any, query: bytes) -> list[Row]:
    with cursor:
        cursor.execute(query)
        rows: list[Row] = cursor.fetchall()
    return rows


def columns(entries: Sequence[Entry]) -> dict[str, str]:
    """Write each column as one array in PostgreSQL's own notation: hundreds of separate constants cost it dear."""
    return {name: array(column) for name, column in zip(COLUMNS, zip(*entries, strict=True), strict=False)}


def array(values: Sequence[Any]) -> str:
    return "{" + ",".join(map(element, values)) + "}"


def element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
