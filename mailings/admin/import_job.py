"""The history of imports, read-only."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from mailings.admin.base import RecordAdmin
from mailings.models import ImportJob

TOTALS = ("rows", "new", "changed", "unchanged", "wrong", "repeated", "suppressed")


@admin.register(ImportJob)
class ImportJobAdmin(RecordAdmin):
    list_display = ("created_at", "file_name", "status", *TOTALS)
    list_display_links = ("file_name",)
    list_filter = ("status",)
    search_fields = ("file_name",)
    search_help_text = _("File name")
    fields = ("file_name", "status", "client_list", *TOTALS, "created_at", "finished_at", "rejected")
    readonly_fields = fields

    @admin.display(description=_("rejected rows"))
    def rejected(self, job: ImportJob) -> str:
        return "\n".join(
            " · ".join(str(value) for value in row.values()) if isinstance(row, dict) else str(row)
            for row in job.rejected_rows[:200]
        )
