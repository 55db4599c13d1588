"""Messages: subject, text, HTML and attachments."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from mailings.admin.base import OwnedAdmin
from mailings.models import Attachment, Message


class AttachmentInline(admin.TabularInline):
    model = Attachment
    fields = ("file", "name")
    extra = 0
    max_num = 10

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.of_message(request, "view", obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.of_message(request, "change", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.of_message(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.of_message(request, "change", obj)

    def of_message(self, request: HttpRequest, action: str, obj: Message | None) -> bool:
        """Whoever may change the message may change what is attached to it."""
        name = f"mailings.{action}_message"
        return request.user.has_perm(name, obj) if obj else request.user.has_perm(name)


@admin.register(Message)
class MessageAdmin(OwnedAdmin):
    list_display = ("subject", "has_html", "updated_at")
    search_fields = ("subject",)
    search_help_text = _("Subject")
    fields = ("subject", "text", "html", "created_at", "updated_at")
    readonly_fields = ("created_at", "updated_at")
    inlines = (AttachmentInline,)

    @admin.display(description=_("HTML"), boolean=True)
    def has_html(self, message: Message) -> bool:
        return bool(message.html)
