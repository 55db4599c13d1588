"""A named set of clients."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned
from accounts.line import validate_no_control


class ClientList(Owned):
    name = models.CharField(_("name"), max_length=100, validators=[validate_no_control])
    description = models.CharField(_("description"), max_length=500, blank=True, validators=[validate_no_control])
    clients = models.ManyToManyField("mailings.Client", related_name="lists", blank=True, verbose_name=_("clients"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    grant_path: ClassVar[str | None] = ""

    class Meta:
        verbose_name = _("client list")
        verbose_name_plural = _("client lists")
        ordering = ("-id",)
        permissions = (
            ("view_all_clientlist", _("Can view all client lists")),
            ("use_clientlist", _("Can use the client list in own mailings")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "name"),
                name="client_list_is_unique_per_owner",
                violation_error_message=_("You already have a list with this name."),
            ),
        )
        indexes = (models.Index("owner", models.F("id").desc(), name="client_list_owner_newest"),)

    def __str__(self) -> str:
        return self.name
