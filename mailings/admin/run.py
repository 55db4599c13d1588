"""Runs: what each launch did, read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import time_column, two_lines
from mailings.admin.base import RecordAdmin
from mailings.models import Run
from mailings.models.run import SUMS
from mailings.operations import rate, summary


@admin.register(Run)
class RunAdmin(RecordAdmin):
    list_display = ("name", "progress", "started", "finished")
    empty_text = _("Each launch of a mailing makes a run: by your hand, or at the time you set.")
    list_filter = ("trigger",)
    list_select_related = ("mailing",)
    search_fields = ("mailing__title",)
    search_help_text = _("Title of the mailing")
    fields = (
        "mailing", "trigger", "launched_by", "due", "started", "finished",
        "total", *SUMS, "waiting", "subject", "deliveries_link",
    )  # fmt: skip
    readonly_fields = fields

    due = time_column("scheduled_for", _("scheduled for"))
    started = time_column("started_at", _("started at"))
    finished = time_column("finished_at", _("finished at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return rate.with_pace(super().get_queryset(request))

    @admin.display(description=_("run"), ordering="id")
    def name(self, run: Run) -> SafeString:
        return two_lines(run.mailing.title, capfirst(run.get_trigger_display()))

    @admin.display(description=_("progress"))
    def progress(self, run: Run) -> str:
        context = {"run": summary.progress(run), "has_title": False}
        return render_to_string("admin/mailings/mailing/progress.html", context)

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
