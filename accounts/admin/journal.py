"""The journal: who did what, when. Read-only; Managers see everybody's lines, users their own."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.access import person, sees_all
from accounts.admin.base import ReadOnlyAdmin
from accounts.models import JournalEntry


@admin.register(JournalEntry)
class JournalAdmin(ReadOnlyAdmin):
    list_display = ("action_time", "user", "content_type", "object", "sentence")
    list_display_links = ("action_time",)
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "change_message")
    search_help_text = _("Object or action")
    date_hierarchy = "action_time"
    fields = ("action_time", "user", "content_type", "object", "sentence")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalEntry]:
        rows = super().get_queryset(request)
        return rows if sees_all(person(request), JournalEntry) else rows.filter(user=request.user.pk)

    @admin.display(description=_("object"))
    def object(self, entry: JournalEntry) -> str | SafeString:
        url = entry.get_admin_url() if not entry.is_deletion() else None
        return format_html('<a href="{}">{}</a>', url, entry.object_repr) if url else entry.object_repr

    @admin.display(description=_("what happened"))
    def sentence(self, entry: JournalEntry) -> str:
        return entry.get_change_message() or entry.get_action_flag_display()
