"""Taking an address off the mailings: by the recipient himself, through the link in his letter."""

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from mailings.models import Delivery, Reason, Run, Suppression
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
    for run in Run.objects.unfinished().filter(owner=delivery.owner_id):
        waiting = Delivery.objects.filter(run=run, address__in=addresses)
        take_out(run, waiting)


def take_out(run: Run, waiting: QuerySet[Delivery]) -> None:
    decided = {"state": Delivery.State.SUPPRESSED, "reason": Reason.UNSUBSCRIBED, "next_try_at": None}
    deferred = waiting.filter(state=Delivery.State.DEFERRED).update(**decided)
    pending = waiting.filter(state=Delivery.State.PENDING).update(**decided)
    Run.objects.filter(pk=run.pk).update(
        deferred=F("deferred") - deferred, suppressed=F("suppressed") + deferred + pending
    )
