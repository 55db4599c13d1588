"""Taking the next recipients of a run in hand: marked as being sent, durably, before a byte of theirs leaves."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from mailings.models import Delivery, Reason, Run, Suppression

# Longer than a letter can take on the wire (mailings.sending.smtp.Policy: 420 s in all), with room for a slow machine.
LEASE = timedelta(minutes=15)
State = Delivery.State


def claim(run: Run, token: uuid.UUID, after: int, size: int, now: datetime) -> tuple[list[Delivery], int]:
    """Claim up to `size` pending deliveries with an id above `after`, and return them with the last id looked at.

    Whoever has been suppressed or deleted since the launch is decided here instead. Belongs in a transaction of the
    caller's; rows that another worker claims at this moment are passed over.
    """
    rows = list(
        Delivery.objects.pending()
        .filter(run=run, pk__gt=after)
        .order_by("pk")
        .select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked, of=of_self())
        .select_related("client")[:size]
    )
    if not rows:
        return [], after
    suppressed = suppressed_among(run, rows)
    gone = [row for row in rows if row.client is None]
    refused = [row for row in rows if row.client and row.pk in suppressed]
    decide(run, gone, State.CANCELLED, Reason.CLIENT_DELETED)
    decide(run, refused, State.SUPPRESSED, Reason.SUPPRESSED)
    taken = [row for row in rows if row.client and row.pk not in suppressed]
    Delivery.objects.filter(pk__in=[row.pk for row in taken]).update(
        state=State.SENDING, claim_token=token, lease_until=now + LEASE
    )
    return taken, rows[-1].pk


def of_self() -> tuple[str, ...]:
    """Lock the delivery alone: PostgreSQL refuses to lock the client of an outer join."""
    return ("self",) if connection.features.has_select_for_update_of else ()


def suppressed_among(run: Run, rows: list[Delivery]) -> set[int]:
    """Find the rows whose address, as launched or as it is now, must not be mailed any more."""
    addresses = {row.address for row in rows} | {row.client.email for row in rows if row.client}
    owners = {run.owner_id} | {row.client.owner_id for row in rows if row.client}
    found = set(Suppression.objects.binding(*owners).filter(address__in=addresses).values_list("owner_id", "address"))
    return {row.pk for row in rows if row.client and is_bound(run, row, found)}


def is_bound(run: Run, row: Delivery, found: set[tuple[int | None, str]]) -> bool:
    assert row.client is not None
    owners = (None, run.owner_id, row.client.owner_id)
    return any((owner, address) in found for owner in owners for address in (row.address, row.client.email))


def decide(run: Run, rows: list[Delivery], state: str, reason: str) -> None:
    """Decide deliveries without a try, and keep the run's sums true."""
    if rows:
        count = Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(state=state, reason=reason)
        Run.objects.filter(pk=run.pk).update(**{state: F(state) + count})
