"""The ledger: one row per recipient of a run. Its state is the truth; the queue only wakes the workers."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned, OwnedQuerySet
from mailings.models.address import AddressField
from mailings.models.claim import Claim
from mailings.models.client import Client
from mailings.models.reason import Reason
from mailings.models.run import Run


class DeliveryQuerySet(OwnedQuerySet):
    def undecided(self) -> Self:
        return self.filter(state__in=(Delivery.State.PENDING, Delivery.State.DEFERRED))

    def pending(self) -> Self:
        return self.filter(state=Delivery.State.PENDING)

    def unclaimed(self) -> Self:
        return self.exclude(is_claimed())

    def free(self) -> Self:
        """Keep those that a worker may claim."""
        return self.pending().unclaimed()

    def handed_over(self) -> Self:
        """Keep those that a worker may have handed over, and of which no answer is written down."""
        return self.pending().filter(is_handed_over())

    def waiting(self) -> Self:
        """Keep those that are not decided and were surely not handed over."""
        return self.undecided().exclude(is_handed_over(), state=Delivery.State.PENDING)

    def due(self, now: datetime) -> Self:
        """Keep the deferred ones whose next try has come."""
        return self.filter(state=Delivery.State.DEFERRED, next_try_at__lte=now)

    def showing_hands(self) -> Self:
        """Tell each row, as `is_handed_over`, whether its letter is being sent: what pages show as its state."""
        return self.annotate(is_handed_over=is_handed_over())


def is_claimed() -> Exists:
    return Exists(Claim.objects.covering(OuterRef("run"), OuterRef("pk")))


def is_handed_over() -> Exists:
    return Exists(Claim.objects.covering(OuterRef("run"), OuterRef("pk")).filter(mark__gte=OuterRef("pk")))


class Delivery(Owned):
    """Transitions: pending → accepted | deferred (→ pending when due) | refused | unknown; pending or deferred →
    suppressed | cancelled.

    *Being sent* is not written on the row: it is a pending one up to the mark of a `Claim`, so that a letter costs one
    update and not two. It leaves that state only by the claim's token. Unknown leaves only by a person's choice.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        ACCEPTED = "accepted", _("accepted by the server")
        DEFERRED = "deferred", _("deferred")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("unknown")
        SUPPRESSED = "suppressed", _("suppressed")
        CANCELLED = "cancelled", _("cancelled")

    run = models.ForeignKey(Run, models.PROTECT, related_name="deliveries", db_index=False, verbose_name=_("run"))
    client = models.ForeignKey(
        Client, models.SET_NULL, null=True, blank=True, related_name="deliveries", verbose_name=_("client")
    )
    address = AddressField(_("address"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, default=Reason.NONE, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try at"), null=True, blank=True)
    message_id = models.UUIDField(_("Message-ID"), default=uuid.uuid4, editable=False)

    grant_path: ClassVar[str | None] = "run__mailing"

    objects: ClassVar[Any] = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("-id",)
        permissions = (("view_all_delivery", _("Can view all deliveries")),)
        constraints = (
            models.UniqueConstraint(fields=("run", "address"), name="delivery_is_unique_per_run"),
            models.CheckConstraint(
                condition=~Q(state="deferred") | Q(next_try_at__isnull=False), name="delivery_deferred_has_a_next_try"
            ),
        )
        indexes = (
            models.Index("owner", models.F("id").desc(), name="delivery_owner_newest"),
            # None of these holds the state: an update that no index has to follow costs PostgreSQL half (HOT).
            models.Index(fields=("run", "id"), name="delivery_run_in_order"),
            models.Index(
                fields=("run", "next_try_at"), name="delivery_next_try", condition=Q(next_try_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return str(self.address)
