"""Taking an address off the mailings: by the recipient himself, through the link in his letter."""

from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.db.models import F

from mailings.models import Delivery, Reason, Run, Suppression
from mailings.operations.control import locked
from mailings.sending.token import unseal


def delivery_of(token: str) -> Delivery | None:
    """Find the delivery whose letter carried this token, or None for a forged one."""
    keys = [key.encode() for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    number = unseal(token, keys)
    return Delivery.objects.select_related("client").filter(pk=number).first() if number is not None else None


@transaction.atomic
def unsubscribe(delivery: Delivery) -> None:
    """Suppress the address for the owner, and take it out of what is still waiting. Doing it twice is the same."""
    addresses = {delivery.address} | ({delivery.client.email} if delivery.client else set())
    for address in addresses:
        Suppression.objects.get_or_create(
            owner_id=delivery.owner_id, address=address, defaults={"reason": Suppression.Reason.UNSUBSCRIBED}
        )
    for run in Run.objects.unfinished().filter(owner=delivery.owner_id).order_by("pk"):
        take_out(run, addresses)


def take_out(run: Run, addresses: Collection[str]) -> None:
    """Decide whom no worker has claimed: a worker looks for suppressions itself before it hands a letter over, and of
    one that is handed over only its answer decides. The mailing's row is held, so that no claim is made meanwhile.
    """
    locked(run.mailing_id)
    rows = Delivery.objects.filter(run=run, address__in=addresses)
    decided = {"state": Delivery.State.SUPPRESSED, "reason": Reason.UNSUBSCRIBED, "next_try_at": None}
    deferred = rows.filter(state=Delivery.State.DEFERRED).update(**decided)
    pending = rows.free().update(**decided)
    Run.objects.filter(pk=run.pk).update(
        deferred=F("deferred") - deferred, suppressed=F("suppressed") + deferred + pending
    )
