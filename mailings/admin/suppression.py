"""Suppressions: addresses not to be mailed. People add and lift those made by hand; the others stay."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import badge, time_column
from mailings.admin.base import OwnedAdmin
from mailings.models import Suppression


@admin.register(Suppression)
class SuppressionAdmin(OwnedAdmin):
    list_display = ("address", "state", "created")
    empty_text = _("Addresses that are not to be mailed: unsubscribed, bounced for good, or put here by hand.")
    list_filter = ("reason",)
    search_fields = ("address",)
    search_help_text = _("Address")
    fields = ("address", "reason", "created")
    readonly_fields = ("reason", "created")

    created = time_column("created_at", _("created at"))

    @admin.display(description=_("reason"), ordering="reason")
    def state(self, suppression: Suppression) -> SafeString:
        return badge("suppressed", suppression.get_reason_display())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_by_hand = obj is None or obj.reason == Suppression.Reason.BY_HAND
        return is_by_hand and super().has_delete_permission(request, obj)
