"""The history of imports, read-only, and the pages on which an import goes its way."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import badge
from mailings.admin import import_report as report
from mailings.admin.import_steps import ImportSteps
from mailings.models import ImportJob

TOTALS = ("rows", "new", "changed", "unchanged", "wrong", "repeated", "suppressed")


@admin.register(ImportJob)
class ImportJobAdmin(ImportSteps):
    list_display = ("created_at", "file_name", "state", *TOTALS)
    list_display_links = ("file_name",)
    list_filter = ("status",)
    search_fields = ("file_name",)
    search_help_text = _("File name")
    empty_text = _("Here stands every file of clients that was taken in, and can be undone.")
    change_form_template = "admin/mailings/importjob/change_form.html"
    fields = (
        "file_name",
        "how_read",
        "columns",
        "on_existing",
        "list_name",
        "created_at",
        "started_at",
        "finished_at",
        "undone_at",
    )
    readonly_fields = fields

    @admin.display(description=_("read as"))
    def how_read(self, job: ImportJob) -> str:
        return report.how_read(job)

    @admin.display(description=_("columns"))
    def columns(self, job: ImportJob) -> SafeString:
        rows = ((each["header"], each["target"]) for each in report.columns(job))
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} → {}</li>", rows))

    @admin.display(description=_("status"), ordering="status")
    def state(self, job: ImportJob) -> SafeString:
        return badge(job.status, job.get_status_display())
