"""Taking stretches of a run's ledger in hand, and giving them back. The windows within one are the ledger's turns."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from mailings.models import Claim, Delivery, Run
from mailings.operations.control import locked
from mailings.operations.lease import lease

# A killed worker makes so many wait for its lease to end; a shorter stretch would be taken too often.
STRETCH = 1000


class Claims:
    """One worker's claims on a run: the one it takes from, and those behind it with letters that are not answered."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.token = uuid.uuid4()
        self.current: Claim | None = None
        self.reached = 0

    def take(self) -> Claim | None:
        """Return the claim to take from, the next one if need be; None if nobody is left whom nobody has claimed."""
        if not self.current:
            self.current = claim_next(self.run, self.token, self.reached)
            self.reached = self.current.last if self.current else self.reached
        return self.current

    def leave(self) -> bool:
        """Have done with the current claim, and tell whether it was still ours."""
        left, self.current = self.current, None
        return left is not None and Claim.objects.filter(pk=left.pk).exists()

    def release(self, below: int | None = None) -> None:
        """Give back all claims, or those that end below an id; what is pending of them is anybody's."""
        claims = Claim.objects.filter(token=self.token)
        (claims if below is None else claims.filter(last__lt=below)).delete()

    def correct(self) -> None:
        """Set the mark back to where this worker knows it: a lost answer of the database may have moved it on."""
        if self.current:
            Claim.objects.filter(pk=self.current.pk).update(mark=self.current.mark)


@transaction.atomic
def claim_next(run: Run, token: uuid.UUID, after: int) -> Claim | None:
    """Claim the next recipients of the run with ids above `after` whom nobody has claimed; None if there are none left.

    The mailing's row is held, so that no two claims overlap and none is made while control decides who is left.
    """
    locked(run.mailing_id)
    if not Run.objects.sendable().filter(pk=run.pk).exists():
        return None
    claims = list(run.claims.order_by("first").values_list("first", "last"))
    ids = list(pending_after(run, after))
    while ids and (covering := [last for first, last in claims if first <= ids[0] <= last]):
        ids = list(pending_after(run, covering[0]))
    if not ids:
        return None
    border = min((first for first, _last in claims if first > ids[0]), default=ids[-1] + 1)
    last = max(pk for pk in ids if pk < border)
    return Claim.objects.create(
        run=run, token=token, first=ids[0], last=last, mark=ids[0] - 1, lease_until=Now() + lease()
    )


def pending_after(run: Run, after: int) -> QuerySet[Any]:
    """Read the next ids in order, claimed or not: to ask of each whether it is took longer than all the rest."""
    pending = Delivery.objects.pending().filter(run=run, pk__gt=after).order_by("pk")
    return pending.values_list("pk", flat=True)[:STRETCH]
