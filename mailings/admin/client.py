"""Clients: the base of people who may be mailed, in from files and out to files."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import JSONField
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ScopedRelatedFilter
from mailings.admin.base import OwnedAdmin
from mailings.admin.client_transfer import ClientTransferMixin
from mailings.models import Client
from mailings.models.client import UNSTORABLE


class AttributesField(forms.JSONField):
    def prepare_value(self, value: Any) -> Any:
        """Show again what was typed even if it holds half a character, which no page can."""
        return UNSTORABLE.sub("�", super().prepare_value(value))


@admin.register(Client)
class ClientAdmin(ClientTransferMixin, OwnedAdmin):
    list_display = ("email", "full_name", "consent_at", "created_at")
    list_filter = (("lists", ScopedRelatedFilter), ("created_at", admin.DateFieldListFilter))
    search_fields = ("email", "full_name")
    search_help_text = _("E-mail or name")
    readonly_fields = ("created_at",)
    formfield_overrides = {JSONField: {"form_class": AttributesField}}
    fields = ("email", "full_name", "comment", "attributes", "consent_at", "consent_source", "created_at")
