"""What is sent: subject, text, HTML and attachments, with logic-less placeholders."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned
from accounts.line import validate_no_control
from mailings.models.placeholder import check_html, check_text, known_fields

BODY_LIMIT = 500_000
ATTACHMENT_LIMIT = 5 * 1024 * 1024


class Message(Owned):
    subject = models.CharField(_("subject"), max_length=200, validators=[validate_no_control])
    text = models.TextField(
        _("text"),
        max_length=BODY_LIMIT,
        blank=True,
        help_text=_(
            "Placeholders: {{ full_name | dear client }}, {{ email }}, {{ unsubscribe_url }}, or an attribute."
        ),
    )
    html = models.TextField(
        _("HTML"),
        max_length=BODY_LIMIT,
        blank=True,
        help_text=_("Optional. Without it the letter goes out as plain text."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    grant_path: ClassVar[str | None] = ""

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("-id",)
        permissions = (
            ("view_all_message", _("Can view all messages")),
            ("use_message", _("Can use the message in own mailings")),
        )
        indexes = (models.Index("owner", models.F("id").desc(), name="message_owner_newest"),)

    def __str__(self) -> str:
        return self.subject

    @property
    def has_been_sent(self) -> bool:
        """Whether a run has used it: what people have in their hands is not to be rewritten."""
        return not self._state.adding and self.mailings.filter(runs__isnull=False).exists()

    def clean(self) -> None:
        """:raises ValidationError: there is nothing to read, or a placeholder is unknown, broken or misplaced."""
        super().clean()
        if not self.text.strip() and not self.html.strip():
            raise ValidationError({"text": _("Write the text of the message, its HTML, or both.")})
        faults = {}
        for field, check in (("subject", check_text), ("text", check_text), ("html", check_html)):
            try:
                check(getattr(self, field), known_fields(self.owner_id, getattr(self, field)))
            except ValidationError as error:
                faults[field] = error
        if faults:
            raise ValidationError(faults)


def validate_attachment_size(file: models.fields.files.FieldFile) -> None:
    """:raises ValidationError: it is too big for most mail servers."""
    if file.size > ATTACHMENT_LIMIT:
        raise ValidationError(_("The file is larger than %(n)s MB."), params={"n": ATTACHMENT_LIMIT // 1024 // 1024})


class Attachment(Owned):
    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments", verbose_name=_("message"))
    file = models.FileField(
        _("file"), upload_to="attachments/%Y/%m/", storage=default_storage, validators=[validate_attachment_size]
    )
    name = models.CharField(_("name in the letter"), max_length=150, blank=True, validators=[validate_no_control])

    grant_path: ClassVar[str | None] = "message"

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ("id",)
        permissions = (("view_all_attachment", _("Can view all attachments")),)
        indexes = (models.Index("owner", models.F("id").desc(), name="attachment_owner_newest"),)

    def __str__(self) -> str:
        return self.name or str(self.file)
