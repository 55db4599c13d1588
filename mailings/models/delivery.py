"""The ledger: one row per recipient of a run. Its state is the truth; the queue only wakes the workers."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned, OwnedQuerySet
from mailings.models.address import AddressField
from mailings.models.client import Client
from mailings.models.reason import Reason
from mailings.models.run import Run

# The very words of the index `delivery_undecided`: SQLite uses a partial index only for a query that repeats its
# condition to the letter, and without it reads the whole run for every window.
UNDECIDED = """"mailings_delivery"."state" IN ('pending', 'sending', 'deferred')"""


class DeliveryQuerySet(OwnedQuerySet):
    def undecided(self) -> Self:
        return self.filter(RawSQL(UNDECIDED, (), output_field=models.BooleanField()))  # noqa: S611  a constant

    def pending(self) -> Self:
        return self.undecided().filter(state=Delivery.State.PENDING)

    def waiting(self) -> Self:
        """Keep those that no worker has in hand and that are not decided."""
        return self.undecided().filter(state__in=(Delivery.State.PENDING, Delivery.State.DEFERRED))

    def due(self, now: datetime) -> Self:
        """Keep the deferred ones whose next try has come."""
        return self.undecided().filter(state=Delivery.State.DEFERRED, next_try_at__lte=now)

    def abandoned(self, now: datetime) -> Self:
        """Keep those whose worker has been gone for longer than any letter can take."""
        return self.undecided().filter(state=Delivery.State.SENDING, lease_until__lt=now)


class Delivery(Owned):
    """Transitions: pending → sending → accepted | deferred (→ pending when due) | refused | unknown;
    sending → pending when nothing was handed over; pending or deferred → suppressed | cancelled.

    Unknown leaves only by a person's choice. Every transition out of sending is conditional on the claim token.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        SENDING = "sending", _("being sent")
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
    claim_token = models.UUIDField(_("claim token"), null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True, editable=False)
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
                condition=~Q(state="sending") | Q(claim_token__isnull=False, lease_until__isnull=False),
                name="delivery_being_sent_has_a_claim",
            ),
            models.CheckConstraint(
                condition=~Q(state="deferred") | Q(next_try_at__isnull=False), name="delivery_deferred_has_a_next_try"
            ),
        )
        indexes = (
            models.Index("owner", models.F("id").desc(), name="delivery_owner_newest"),
            # Claiming, recovering and completing read only the undecided rows of a run, however long the ledger is.
            models.Index(
                fields=("run", "state", "id"),
                name="delivery_undecided",
                condition=Q(state__in=("pending", "sending", "deferred")),
            ),
        )

    def __str__(self) -> str:
        return str(self.address)
