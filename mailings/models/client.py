"""A person in somebody's base. The same address may stand in two owners' bases; neither learns of the other."""

import math
import re
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned
from accounts.line import validate_no_control
from mailings.models.address import AddressField
from mailings.sending.address import mask

ATTRIBUTE_NAME = re.compile(r"\w[\w -]{0,49}")
ATTRIBUTES_LIMIT = 50
ATTRIBUTE_LIMIT = 1000
# NUL and halves of a character: JSON can say them, PostgreSQL and UTF-8 cannot.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def validate_attributes(value: Any) -> None:
    """:raises ValidationError: it is not a flat object of short texts."""
    if not isinstance(value, dict) or len(value) > ATTRIBUTES_LIMIT:
        raise ValidationError(
            _('Write attributes as {"city": "Kazan"}, at most %(n)s.'), params={"n": ATTRIBUTES_LIMIT}
        )
    for name, text in value.items():
        if not ATTRIBUTE_NAME.fullmatch(name) or not is_plain(text):
            sentence = _("The attribute “%(name)s” must have a short name and a text.")
            raise ValidationError(sentence, params={"name": name.encode("ascii", "backslashreplace").decode()[:60]})


def is_plain(value: Any) -> bool:
    """Tell whether an attribute is a short text, a number or yes and no, such as both databases and a letter take."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return len(value) <= ATTRIBUTE_LIMIT and not UNSTORABLE.search(value)
    return isinstance(value, int) and abs(value) < 10**15


class Client(Owned):
    email = AddressField(_("e-mail"))
    full_name = models.CharField(_("full name"), max_length=100, blank=True, validators=[validate_no_control])
    comment = models.TextField(_("comment"), max_length=2000, blank=True)
    attributes = models.JSONField(
        _("attributes"),
        default=dict,
        blank=True,
        validators=[validate_attributes],
        help_text=_('Further fields for placeholders, as {"city": "Kazan"}.'),
    )
    consent_at = models.DateTimeField(_("consent given at"), null=True, blank=True)
    consent_source = models.CharField(
        _("source of consent"),
        max_length=200,
        blank=True,
        validators=[validate_no_control],
        help_text=_("How the client agreed to be mailed: a form, a contract, a conversation."),
    )
    created_at = models.DateTimeField(_("added at"), default=timezone.now, editable=False)

    grant_path: ClassVar[str | None] = "lists"

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ("-id",)
        permissions = (("view_all_client", _("Can view all clients")),)
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "email"),
                name="client_is_unique_per_owner",
                violation_error_message=_("You already have a client with this address."),
            ),
        )
        indexes = (models.Index("owner", models.F("id").desc(), name="client_owner_newest"),)

    def __str__(self) -> str:
        return f"{self.full_name} <{self.email}>" if self.full_name else self.email

    @property
    def journal_name(self) -> str:
        """Name the client where the name outlives him."""
        return mask(self.email)
