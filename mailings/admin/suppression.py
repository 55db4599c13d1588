"""Suppressions: addresses not to be mailed. People add and lift those made by hand; the others stay."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from mailings.admin.base import OwnedAdmin
from mailings.models import Suppression


@admin.register(Suppression)
class SuppressionAdmin(OwnedAdmin):
    list_display = ("address", "reason", "created_at")
    list_filter = ("reason",)
    search_fields = ("address",)
    search_help_text = _("Address")
    fields = ("address", "reason", "created_at")
    readonly_fields = ("reason", "created_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_by_hand = obj is None or obj.reason == Suppression.Reason.BY_HAND
        return is_by_hand and super().has_delete_permission(request, obj)
