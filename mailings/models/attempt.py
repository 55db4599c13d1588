"""One try at one delivery, with the mail server's answer. Append-only."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned
from mailings.models.delivery import Delivery
from mailings.models.reason import Reason
from mailings.models.run import Run


class Attempt(Owned):
    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        DEFERRED = "deferred", _("deferred")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("unknown")

    # Copies of the delivery's, made by the statement that writes the attempt; runs and owners are never deleted. To
    # have the database check both once more took a third of the time of writing a window down.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("owner"),
    )
    run = models.ForeignKey(
        Run, models.PROTECT, related_name="attempts", db_index=False, db_constraint=False, verbose_name=_("run")
    )
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="attempts", verbose_name=_("delivery"))
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True)
    stage = models.CharField(_("stage"), max_length=8, blank=True)
    code = models.PositiveSmallIntegerField(_("code"), null=True, blank=True)
    enhanced_code = models.CharField(_("enhanced code"), max_length=12, blank=True)
    answer = models.TextField(_("the server's answer"), max_length=2048, blank=True)

    grant_path: ClassVar[str | None] = "run__mailing"

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ("-id",)
        permissions = (("view_all_attempt", _("Can view all attempts")),)
        indexes = (
            models.Index("owner", models.F("id").desc(), name="attempt_owner_newest"),
            models.Index("run", models.F("id").desc(), name="attempt_run_newest"),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"
