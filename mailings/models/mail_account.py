"""The mail account that every worker sends through, and what it has sent: limits are the account's, not a worker's."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

DAY = timedelta(days=1)


class MailAccount(models.Model):
    name = models.CharField(_("name"), max_length=254, unique=True)

    class Meta:
        verbose_name = _("mail account")
        verbose_name_plural = _("mail accounts")

    def __str__(self) -> str:
        return self.name

    def sent_within(self, seconds: int, now: datetime) -> int:
        """Count the letters of the rolling period that ends now, to the second."""
        recent = self.sent.filter(second__gt=now - timedelta(seconds=seconds))
        return recent.aggregate(sum=Sum("letters"))["sum"] or 0

    def add_sent(self, letters: int, now: datetime) -> None:
        """Count letters towards this second. The caller holds the account's row."""
        counter, _is_new = self.sent.get_or_create(second=now.replace(microsecond=0))
        counter.letters += letters
        counter.save(update_fields=["letters"])

    def forget_old(self, now: datetime) -> None:
        self.sent.filter(second__lt=now - DAY - timedelta(hours=1)).delete()


class SentCounter(models.Model):
    account = models.ForeignKey(
        MailAccount, models.CASCADE, related_name="sent", db_index=False, verbose_name=_("mail account")
    )
    second = models.DateTimeField(_("second"))
    letters = models.PositiveIntegerField(_("letters"), default=0)

    class Meta:
        verbose_name = _("letters sent")
        verbose_name_plural = _("letters sent")
        constraints = (models.UniqueConstraint(fields=("account", "second"), name="sent_counter_is_unique"),)

    def __str__(self) -> str:
        return f"{self.second:%H:%M:%S} {self.letters}"
