"""Writing down what the mail server answered: the delivery's state, an attempt for each try, and the sums."""

from __future__ import annotations

import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import F

from mailings.models import Attempt, Delivery, HourlyCounter, Reason, Run, Suppression
from mailings.sending.letter import Result
from mailings.sending.reply import Outcome
from mailings.sending.retry import next_try

State = Delivery.State
COUNTED = (State.ACCEPTED, State.REFUSED, State.DEFERRED)


def record(run: Run, token: uuid.UUID, results: Sequence[Result], now: datetime) -> None:
    """Record results in the caller's transaction; what this worker no longer holds (its lease ran out) stays."""
    held = hold(token, results)
    known = [(held[result.key], result) for result in results if result.key in held]
    changes: dict[tuple[str, str, datetime | None], list[int]] = defaultdict(list)
    for delivery, result in known:
        changes[fate(run, delivery, result, now)].append(delivery.pk)
    sums: Counter[str] = Counter()
    for (state, reason, next_try_at), ids in changes.items():
        settle(ids, state, reason, next_try_at)
        sums[state] += len(ids)
    add_attempts(run, known, now)
    suppress_bounced(run, known)
    add_sums(run, sums, now)


def hold(token: uuid.UUID, results: Sequence[Result]) -> dict[int, Delivery]:
    """Lock the deliveries of these results that are still this worker's."""
    rows = Delivery.objects.filter(pk__in=[result.key for result in results], state=State.SENDING, claim_token=token)
    return {row.pk: row for row in rows.select_for_update().only("pk", "tries", "address")}


def fate(run: Run, delivery: Delivery, result: Result, now: datetime) -> tuple[str, str, datetime | None]:
    """Turn one answer into the delivery's next state, its reason and the time of the next try."""
    if result.outcome == Outcome.RETURNED:
        return State.PENDING, Reason.NONE, None
    if result.outcome != Outcome.DEFERRED:
        return State(result.outcome), result.reason, None
    again_at = next_try(delivery.tries + 1, now, run.mailing.finish_send_at, random.random())  # noqa: S311  jitter
    return (State.DEFERRED, result.reason, again_at) if again_at else (State.REFUSED, Reason.EXHAUSTED, None)


def settle(ids: list[int], state: str, reason: str, next_try_at: datetime | None) -> None:
    tries = F("tries") if state == State.PENDING else F("tries") + 1
    Delivery.objects.filter(pk__in=ids).update(
        state=state, reason=reason, next_try_at=next_try_at, tries=tries, claim_token=None, lease_until=None
    )


def add_attempts(run: Run, known: Sequence[tuple[Delivery, Result]], now: datetime) -> None:
    Attempt.objects.bulk_create(
        Attempt(
            owner_id=run.owner_id,
            run_id=run.pk,
            delivery_id=delivery.pk,
            made_at=now,
            outcome=result.outcome,
            reason=result.reason,
            stage=result.stage,
            code=result.code or None,
            enhanced_code=result.enhanced,
            answer=result.answer,
        )
        for delivery, result in known
        if result.outcome != Outcome.RETURNED
    )


def suppress_bounced(run: Run, known: Sequence[tuple[Delivery, Result]]) -> None:
    """Suppress an address at once that its server says does not exist: mailing it again harms the sender's name."""
    Suppression.objects.bulk_create(
        (
            Suppression(owner_id=run.owner_id, address=delivery.address, reason=Suppression.Reason.HARD_BOUNCE)
            for delivery, result in known
            if result.suppress
        ),
        ignore_conflicts=True,
    )


def add_sums(run: Run, sums: Counter[str], now: datetime) -> None:
    """Add to the run's sums and to the hour's counter."""
    final = {state: count for state, count in sums.items() if state != State.PENDING}
    if final:
        Run.objects.filter(pk=run.pk).update(**{state: F(state) + count for state, count in final.items()})
    if any(final.get(state) for state in COUNTED):
        count_hour(run, now, [final.get(state, 0) for state in COUNTED])


def count_hour(run: Run, now: datetime, counts: list[int]) -> None:
    """Add to the counter of this hour (UTC) in one statement, which is the same on PostgreSQL and SQLite."""
    table = HourlyCounter._meta.db_table
    hour = connection.ops.adapt_datetimefield_value(now.replace(minute=0, second=0, microsecond=0))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (owner_id, mailing_id, hour, accepted, refused, deferred)"  # noqa: S608  our own names
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (mailing_id, hour) DO UPDATE SET"
            f" accepted = {table}.accepted + EXCLUDED.accepted, refused = {table}.refused + EXCLUDED.refused,"
            f" deferred = {table}.deferred + EXCLUDED.deferred",
            [run.owner_id, run.mailing_id, hour, *counts],
        )
