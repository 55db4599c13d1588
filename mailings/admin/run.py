"""Runs: what each launch did, read-only."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mailings.admin.base import RecordAdmin
from mailings.models import Run
from mailings.models.run import SUMS


@admin.register(Run)
class RunAdmin(RecordAdmin):
    list_display = ("started_at", "mailing", "trigger", "total", *SUMS, "waiting", "finished_at")
    list_display_links = ("started_at",)
    list_filter = ("trigger",)
    list_select_related = ("mailing",)
    search_fields = ("mailing__title",)
    search_help_text = _("Title of the mailing")
    fields = (
        "mailing", "trigger", "launched_by", "scheduled_for", "started_at", "finished_at",
        "total", *SUMS, "waiting", "subject", "deliveries_link",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=_("waiting"))
    def waiting(self, run: Run) -> int:
        return run.waiting

    @admin.display(description=_("subject as sent"))
    def subject(self, run: Run) -> str:
        return str(run.snapshot.get("subject", ""))

    @admin.display(description=_("deliveries"))
    def deliveries_link(self, run: Run) -> SafeString:
        url = f"{reverse('admin:mailings_delivery_changelist')}?run__id__exact={run.pk}"
        return format_html('<a href="{}">{}</a>', url, _("Show all"))
