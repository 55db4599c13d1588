"""Counts per mailing and hour: pages read these, never the attempts."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned
from mailings.models.mailing import Mailing


class HourlyCounter(Owned):
    mailing = models.ForeignKey(
        Mailing, models.CASCADE, related_name="hours", verbose_name=_("mailing"), db_index=False
    )
    hour = models.DateTimeField(_("hour"))
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    deferred = models.PositiveIntegerField(_("deferred"), default=0)

    grant_path: ClassVar[str | None] = "mailing"

    class Meta:
        verbose_name = _("hourly counter")
        verbose_name_plural = _("hourly counters")
        ordering = ("-hour",)
        permissions = (("view_all_hourlycounter", _("Can view all hourly counters")),)
        constraints = (models.UniqueConstraint(fields=("mailing", "hour"), name="counter_is_unique_per_hour"),)
        indexes = (models.Index(fields=("owner", "hour"), name="counter_owner_hour"),)

    def __str__(self) -> str:
        return f"{self.mailing_id} {self.hour:%Y-%m-%d %H:00}"
