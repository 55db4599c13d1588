"""An address not to be mailed. Survives the deletion and re-import of the client."""

from __future__ import annotations

import functools
import operator
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned, OwnedQuerySet
from mailings.models.address import AddressField
from mailings.sending.address import mask


class SuppressionQuerySet(OwnedQuerySet):
    def binding(self, *owner_ids: Any) -> Self:
        """Keep those that bind one of these owners (ids or expressions): his own, and everybody's."""
        # One equality each: an expression cannot stand in an IN.
        return self.filter(functools.reduce(operator.or_, (Q(owner=each) for each in owner_ids), Q(owner=None)))


class Suppression(Owned):
    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        HARD_BOUNCE = "hard_bounce", _("the address does not exist")
        COMPLAINT = "complaint", _("complained of spam")
        BY_HAND = "by_hand", _("by hand")

    owner = models.ForeignKey(  # type: ignore[assignment]  # here alone nobody is an owner: everybody
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("owner"),
        help_text=_("Empty: the address is mailed by nobody."),
    )
    address = AddressField(_("address"))
    reason = models.CharField(_("reason"), max_length=16, choices=Reason, default=Reason.BY_HAND)
    created_at = models.DateTimeField(_("added at"), default=timezone.now, editable=False)

    grant_path: ClassVar[str | None] = None

    objects: ClassVar[Any] = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        ordering = ("-id",)
        permissions = (("view_all_suppression", _("Can view all suppressions")),)
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "address"),
                name="suppression_is_unique_per_owner",
                violation_error_message=_("This address is on the suppression list already."),
            ),
            models.UniqueConstraint(
                fields=("address",), condition=Q(owner=None), name="suppression_of_everybody_is_unique"
            ),
        )
        indexes = (models.Index("owner", models.F("id").desc(), name="suppression_owner_newest"),)

    def __str__(self) -> str:
        return str(self.address)

    @property
    def journal_name(self) -> str:
        return mask(self.address)
