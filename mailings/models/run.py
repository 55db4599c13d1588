"""One launch of a mailing, with the message as it was at that moment and the sums of its ledger."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned, OwnedQuerySet
from mailings.models.mailing import Mailing

SUMS = ("accepted", "refused", "deferred", "unknown", "suppressed", "cancelled")


class RunQuerySet(OwnedQuerySet):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)

    def undecided(self) -> Self:
        """Keep those whose sums leave somebody undecided; the sums change in one transaction with the ledger's rows."""
        decided = [name for name in SUMS if name != "deferred"]
        return self.filter(total__gt=sum((F(name) for name in decided), start=Value(0)))

    def sendable(self) -> Self:
        """Keep the unfinished ones that may send now."""
        return self.unfinished().filter(
            mailing__status=Mailing.Status.RUNNING, mailing__finish_send_at__gt=timezone.now(), owner__is_active=True
        )


class Run(Owned):
    class Trigger(models.TextChoices):
        BY_HAND = "by_hand", _("by hand")
        SCHEDULED = "scheduled", _("by schedule")

    mailing = models.ForeignKey(Mailing, models.PROTECT, related_name="runs", verbose_name=_("mailing"))
    trigger = models.CharField(_("launched"), max_length=16, choices=Trigger)
    launched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("launched by")
    )
    scheduled_for = models.DateTimeField(_("scheduled for"), null=True, blank=True)
    snapshot = models.JSONField(_("message as sent"))
    total = models.PositiveIntegerField(_("recipients"), default=0)
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    deferred = models.PositiveIntegerField(_("deferred"), default=0)
    unknown = models.PositiveIntegerField(_("unknown"), default=0)
    suppressed = models.PositiveIntegerField(_("suppressed"), default=0)
    cancelled = models.PositiveIntegerField(_("cancelled"), default=0)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    grant_path: ClassVar[str | None] = "mailing"

    objects: ClassVar[Any] = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ("-id",)
        permissions = (("view_all_run", _("Can view all runs")),)
        constraints = (
            models.UniqueConstraint(fields=("mailing", "scheduled_for"), name="run_is_unique_per_time"),
            models.UniqueConstraint(
                fields=("mailing",), condition=Q(finished_at=None), name="run_is_the_only_one_unfinished"
            ),
            models.CheckConstraint(
                condition=Q(
                    total__gte=F("accepted")
                    + F("refused")
                    + F("deferred")
                    + F("unknown")
                    + F("suppressed")
                    + F("cancelled")
                ),
                name="run_sums_fit_the_total",
            ),
        )
        indexes = (models.Index("owner", models.F("id").desc(), name="run_owner_newest"),)

    def __str__(self) -> str:
        return f"{self.mailing} · {timezone.localtime(self.started_at):%d.%m.%Y %H:%M}"

    @property
    def waiting(self) -> int:
        """Recipients that are pending, or being sent: what is left of the total, so that the sums always add up."""
        return int(self.total - sum(getattr(self, name) for name in SUMS))

    @property
    def undecided(self) -> int:
        return self.waiting + self.deferred
