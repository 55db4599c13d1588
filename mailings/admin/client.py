"""Clients: the base of people who may be mailed, in from files and out to files."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import JSONField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from accounts.admin.base import ScopedRelatedFilter, badge, time_column, two_lines
from mailings.admin.base import OwnedAdmin
from mailings.admin.client_transfer import ClientTransferMixin
from mailings.models import Attempt, Client, Delivery, Suppression
from mailings.models.client import UNSTORABLE


class AttributesField(forms.JSONField):
    def prepare_value(self, value: Any) -> Any:
        """Show again what was typed even if it holds half a character, which no page can."""
        return UNSTORABLE.sub("�", super().prepare_value(value))


HISTORY = 20


@admin.register(Client)
class ClientAdmin(ClientTransferMixin, OwnedAdmin):
    list_display = ("name", "state", "consent", "created")
    list_filter = (("lists", ScopedRelatedFilter), ("created_at", admin.DateFieldListFilter))
    search_fields = ("email", "full_name")
    search_help_text = _("E-mail or name")
    readonly_fields = ("created",)
    formfield_overrides = {JSONField: {"form_class": AttributesField}}
    fields = ("email", "full_name", "comment", "attributes", "consent_at", "consent_source", "created")
    change_form_template = "admin/mailings/client/change_form.html"
    empty_text = _("Upload a CSV or Excel file: you see what it would change before anything is written.")

    consent = time_column("consent_at", _("consent given at"))
    created = time_column("created_at", _("added at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        binding = Suppression.objects.binding(OuterRef("owner_id")).filter(address=OuterRef("email"))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(suppression=Subquery(binding.values("reason")[:1]))
        return rows

    @admin.display(description=_("client"), ordering="email")
    def name(self, client: Client) -> SafeString:
        return two_lines(client.email, client.full_name)

    @admin.display(description=_("state"))
    def state(self, client: Any) -> SafeString:
        """Say whether mailings reach him, and if not, why."""
        if client.suppression is None:
            return badge("accepted", gettext("gets mail"))
        return two_lines(badge("suppressed", gettext("gets no mail")), Suppression.Reason(client.suppression).label)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        client = self.get_object(request, object_id)
        is_shown = client is not None and self.has_view_permission(request, client)
        context = {"letters": self.letters(request, client)} if is_shown else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def letters(self, request: HttpRequest, client: Any) -> dict[str, Any]:
        """Collect what was sent to him lately, with the last answer of the mail server."""
        last = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-id")
        deliveries = Delivery.objects.visible_to(person(request)).filter(client=client).showing_hands()
        newest = deliveries.select_related("run__mailing").annotate(
            answered_at=Subquery(last.values("made_at")[:1]), answer=Subquery(last.values("answer")[:1])
        )
        query = urlencode({"q": client.email})
        return {
            "state": self.state(client),
            "rows": list(newest.order_by("-id")[:HISTORY]),
            "deliveries_url": f"{reverse('admin:mailings_delivery_changelist')}?{query}",
            "attempts_url": f"{reverse('admin:mailings_attempt_changelist')}?{query}",
        }
