"""Client lists. A list may hold a million clients, so its page adds some by name and links to the rest."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.choice import ManyAutocomplete, ManyChoices
from mailings import operations
from mailings.admin.access import SharedAdmin
from mailings.admin.base import OwnedForm, choices_for
from mailings.models import Client, ClientList


class ClientListForm(OwnedForm):
    add_clients = ManyChoices(
        label=_("put clients on the list"),
        queryset=Client.objects.none(),
        required=False,
        widget=ManyAutocomplete(ClientList._meta.get_field("clients"), admin.site),
        help_text=_("For many clients load a file, and name this list there."),
    )

    request: HttpRequest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "add_clients" in self.fields:
            # A list holds its owner's clients only: whom others share with him they may take back.
            field: Any = self.fields["add_clients"]
            field.queryset = choices_for(self.request, Client).filter(owner=self.row_owner)
            field.widget.owner_id = self.row_owner.pk


@admin.register(ClientList)
class ClientListAdmin(SharedAdmin):
    form = ClientListForm
    list_display = ("name", "description", "clients_link", "created_at")
    # A count groups the rows, and grouped rows lose the order of the model.
    ordering = ("-id",)
    search_fields = ("name",)
    search_help_text = _("Name")
    readonly_fields = ("clients_link", "created_at")
    fields = ("name", "description", "add_clients", "clients_link", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(size=Count("clients"))
        return rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        may_add = self.has_change_permission(request, obj)
        return [name for name in self.fields if may_add or name != "add_clients"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.request = request
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.clients.add(*form.cleaned_data.get("add_clients", ()))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        operations.pause_mailings_of_lists([obj.pk])
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        operations.pause_mailings_of_lists(list(queryset.values_list("pk", flat=True)))
        super().delete_queryset(request, queryset)

    @admin.display(description=_("clients"), ordering="size")
    def clients_link(self, row: ClientList) -> str | SafeString:
        size = getattr(row, "size", None)
        if size is None:
            return "—"
        url = f"{reverse('admin:mailings_client_changelist')}?lists__id__exact={row.pk}"
        return format_html('<a href="{}">{}</a>', url, ngettext("%(n)s client", "%(n)s clients", size) % {"n": size})
