"""The steps of an import after its upload: columns, check, load; stopping and undoing it; its wrong rows as a file.

Who may see an import sees how far it is and what was wrong; only its owner moves it on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.http import HttpResponseRedirect as Redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from mailings import tasks
from mailings.admin import import_report as report
from mailings.admin.base import RecordAdmin
from mailings.admin.client_transfer import may_import
from mailings.admin.import_form import ColumnsForm
from mailings.formats import BadFile
from mailings.models import ImportJob
from mailings.operations import NotPossible, imports

Status = ImportJob.Status
TITLES = {
    "columns": _("Import of clients: columns"),
    "check": _("Import of clients: check"),
    "load": _("Import of clients: load"),
    "stop": _("Stop the import"),
    "undo": _("Undo the import"),
}


class ImportSteps(RecordAdmin):
    def get_urls(self) -> list[URLPattern]:
        views = {f"{name}/": getattr(self, f"{name}_view") for name in TITLES}
        views |= {"progress.json": self.progress_view, "wrong.csv": self.wrong_view}
        own = [
            path(
                f"<int:pk>/{end}",
                self.admin_site.admin_view(view),
                name=f"mailings_importjob_{end.partition('.')[0].rstrip('/')}",
            )
            for end, view in views.items()
        ]
        return [*own, *super().get_urls()]

    # --- Rights

    def seen_or_404(self, request: HttpRequest, pk: int) -> ImportJob:
        """:raises Http404: there is no such import, or this person may not see it: the same answer for both."""
        job: ImportJob | None = self.get_object(request, str(pk))
        if job is None:
            raise Http404
        return job

    def own_or_404(self, request: HttpRequest, pk: int) -> ImportJob:
        """:raises PermissionDenied: this person sees it, but may not move it."""
        job = self.seen_or_404(request, pk)
        if not self.is_movable(request, job):
            raise PermissionDenied
        return job

    def is_movable(self, request: HttpRequest, job: ImportJob) -> bool:
        return job.owner_id == person(request).pk and may_import(request)

    # --- Steps

    def columns_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how the file is read and what its columns mean, and take corrections."""
        job = self.own_or_404(request, pk)
        if job.status not in (Status.UPLOADED, Status.CHECKED):
            return self.go_on(job)
        form = ColumnsForm(job, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_read_otherwise():
            return self.reread(request, job, form)
        if form.is_bound and form.is_valid():
            options = {"on_existing": form.cleaned_data["on_existing"], "list_name": form.list_name}
            return self.move(request, job, lambda: imports.choose(job, form.targets, **options))
        return self.step_page(request, "columns", job, form=form)

    def reread(self, request: HttpRequest, job: ImportJob, form: ColumnsForm) -> HttpResponse:
        try:
            imports.reread(job, form.reading)
        except FileNotFoundError:
            form.add_error(None, gettext("The file is no longer here. Upload it again."))
        except BadFile as error:
            form.add_error(None, error)
        else:
            return Redirect(report.url("columns", job))
        return self.step_page(request, "columns", job, form=form)

    def check_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what loading would do; on a person's word load it, or put the likely addresses first."""
        job = self.own_or_404(request, pk)
        if request.method == "POST" and "correct" in request.POST:
            return self.move(request, job, lambda: imports.correct(job))
        if request.method == "POST":
            skips_wrong = "skip_wrong" in request.POST
            return self.move(request, job, lambda: imports.queue(job, skips_wrong=skips_wrong))
        if report.step_of(job) != "check":
            return self.go_on(job)
        return self.step_page(request, "check", job, preview=report.preview(job))

    def load_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how loading goes, or what came of it; go on with one that was stopped."""
        job = self.own_or_404(request, pk)
        if request.method == "POST":
            return self.move(request, job, lambda: imports.resume(job))
        if report.step_of(job) != "load":
            return self.go_on(job)
        return self.step_page(request, "load", job)

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = self.own_or_404(request, pk)
        if request.method == "POST":
            return self.move(request, job, lambda: imports.stop(job))
        return self.step_page(request, "stop", job)

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = self.own_or_404(request, pk)
        if request.method == "POST":
            return self.move(request, job, lambda: imports.start_undo(job))
        return self.step_page(request, "undo", job, used=imports.used_since(job))

    def move(self, request: HttpRequest, job: ImportJob, verb: Callable[[], None]) -> HttpResponse:
        """Do what the person asks, or say why not, and go to the step at which the import stands then."""
        try:
            verb()
        except (NotPossible, BadFile) as refusal:
            sentence = " ".join(refusal.messages) if isinstance(refusal, BadFile) else str(refusal)
            self.message_user(request, sentence, messages.WARNING)
        else:
            if job.status in ImportJob.IN_WORK:
                tasks.start_import(job)
        return self.go_on(ImportJob.objects.get(pk=job.pk))

    def go_on(self, job: ImportJob) -> HttpResponse:
        return Redirect(report.url(report.step_of(job), job))

    # --- Files

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        response = JsonResponse(report.progress(self.seen_or_404(request, pk)))
        response["Cache-Control"] = "no-store"
        return response

    def wrong_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Give the rows that stay out, to be corrected and loaded again."""
        job = self.seen_or_404(request, pk)
        response = StreamingHttpResponse(imports.rejected_lines(job), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="import-{job.pk}-wrong.csv"'
        return response

    # --- Pages

    def step_page(self, request: HttpRequest, page: str, job: ImportJob, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        context |= self.told(job) | {
            "opts": self.opts,
            "title": TITLES[page],
            "steps": report.steps(page if page in ("columns", "check") else "load", job),
        }
        template = f"admin/mailings/importjob/{page}.html"
        return TemplateResponse(request, template, self.admin_site.each_context(request) | context)

    def told(self, job: ImportJob) -> dict[str, Any]:
        """Gather what every page of an import tells."""
        is_in_work = job.status in ImportJob.IN_WORK
        return {
            "job": job,
            "how_read": report.how_read(job),
            "sums": report.sums(job),
            "is_in_work": is_in_work,
            "progress": report.progress(job),
            "outcome": report.outcome(job),
            "doubts": job.doubts,
            "step_url": report.url(report.step_of(job), job),
            "is_worker_silent": is_in_work and report.is_worker_silent(),
            "can_be_undone": imports.can_be_undone(job),
            "urls": {name: report.url(name, job) for name in (*TITLES, "progress", "wrong")},
            **report.rejections(job),
        }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job = self.get_object(request, object_id)
        told = self.told(job) | {"is_movable": self.is_movable(request, job)} if job else {}
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})
