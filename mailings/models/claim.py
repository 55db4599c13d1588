"""What a worker has in hand: a stretch of a run's ledger, and how far into it letters may have been handed over."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from mailings.models.run import Run


class ClaimQuerySet(models.QuerySet["Claim"]):
    def expired(self) -> Self:
        """Keep those whose worker has been gone for longer than its lease, by the database's clock."""
        return self.filter(lease_until__lt=Now())

    def covering(self, run: Any, delivery_id: Any) -> Self:
        return self.filter(run=run, first__lte=delivery_id, last__gte=delivery_id)


class Claim(models.Model):
    """The pending deliveries of a run with ids from `first` to `last` are one worker's; no two claims overlap.

    `mark` moves on, durably, before a letter leaves. A delivery that is still pending was surely not sent if it stands
    above the mark; up to the mark it may have been. Deleting the claim gives back whatever of it is pending.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="claims", verbose_name=_("run"))
    token = models.UUIDField(_("claim token"), default=uuid.uuid4, db_index=True)
    first = models.BigIntegerField(_("first delivery"))
    last = models.BigIntegerField(_("last delivery"))
    mark = models.BigIntegerField(_("handed over up to"))
    lease_until = models.DateTimeField(_("lease until"))

    objects: ClassVar[Any] = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = (models.CheckConstraint(condition=Q(mark__lte=F("last")), name="claim_mark_is_within_it"),)

    def __str__(self) -> str:
        return f"{self.first}–{self.last}"
