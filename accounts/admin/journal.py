"""The journal: who did what, when. Read-only; Managers see everybody's lines, users their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.access import person, sees_all
from accounts.admin.base import ReadOnlyAdmin
from accounts.journal import ACTS, MARK, in_words
from accounts.models import JournalEntry, User

PEOPLE_LIMIT = 200


class ActorFilter(admin.SimpleListFilter):
    """For those who see everybody's lines; the lines themselves say whom there is to offer."""

    title = _("who")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if not sees_all(person(request), JournalEntry):
            return []
        people = User.objects.filter(pk__in=JournalEntry.objects.order_by().values("user"))
        return [(str(pk), email) for pk, email in people.values_list("pk", "email")[:PEOPLE_LIMIT]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JournalEntry]) -> QuerySet[JournalEntry]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(user=int(value)) if value.isdecimal() and len(value) < 18 else queryset.none()


class ActFilter(admin.SimpleListFilter):
    title = _("what happened")
    parameter_name = "act"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((act.name, str(act.title)) for act in ACTS.values()), key=lambda each: each[1].casefold())

    def queryset(self, request: HttpRequest, queryset: QuerySet[JournalEntry]) -> QuerySet[JournalEntry]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(change_message__startswith=f'{MARK}{value}"') if value in ACTS else queryset.none()


@admin.register(JournalEntry)
class JournalAdmin(ReadOnlyAdmin):
    list_display = ("action_time", "user", "kind", "object", "sentence")
    list_display_links = ("action_time",)
    list_filter = (ActFilter, ActorFilter)
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "change_message")
    search_help_text = _("Object, number or reason")
    date_hierarchy = "action_time"
    fields = ("action_time", "user", "kind", "object", "sentence")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalEntry]:
        rows = super().get_queryset(request)
        return rows if sees_all(person(request), JournalEntry) else rows.filter(user=request.user.pk)

    @admin.display(description=_("about"), ordering="content_type")
    def kind(self, entry: JournalEntry) -> str:
        model = entry.content_type.model_class() if entry.content_type else None
        return capfirst(str(model._meta.verbose_name)) if model else "—"

    @admin.display(description=_("object"))
    def object(self, entry: JournalEntry) -> str | SafeString:
        url = entry.get_admin_url() if entry.object_id and not entry.is_deletion() else None
        name = entry.object_repr or "—"
        return format_html('<a href="{}">{}</a>', url, name) if url else name

    @admin.display(description=_("what happened"))
    def sentence(self, entry: JournalEntry) -> str:
        return in_words(entry)
