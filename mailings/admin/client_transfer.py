"""Client lists in and out: our pages in place of django-import-export's, under its URL names and permissions.

Refuses what the library's pages do: naming files on the disk, exporting more than the list shows, printing tracebacks.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from import_export.admin import ImportExportMixin

from accounts.line import validate_no_control
from accounts.models import User
from mailings.formats import EXPORT_FORMATS, BadFile
from mailings.models import ClientList, ImportJob
from mailings.operations.import_clients import AlreadyLoaded, Report, check, keep, load
from mailings.resources import ClientResource

SHOWN_REJECTIONS = 100
DELIMITER_NAMES = {",": _("comma"), ";": _("semicolon"), "\t": _("tab")}


class UploadForm(forms.Form):
    import_file = forms.FileField(
        label=_("File"),
        # Our reader has the better sentence.
        allow_empty_file=True,
        help_text=_("CSV or Excel (.xlsx), column names on the first line, a column of e-mail addresses among them."),
        widget=forms.ClearableFileInput(attrs={"class": "form-control", "accept": ".csv,.txt,.xlsx"}),
    )
    client_list = forms.ModelChoiceField(
        ClientList.objects.none(),
        label=_("Put them on the list"),
        required=False,
        empty_label=_("— no list —"),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    new_list = forms.CharField(
        label=_("or on a new list named"),
        required=False,
        max_length=100,
        validators=[validate_no_control],
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )

    def __init__(self, owner: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = owner
        self.fields["client_list"].queryset = ClientList.objects.owned_by(owner).order_by("name")  # type: ignore[attr-defined]  # a choice field
        if not owner.has_perm("mailings.change_clientlist"):
            del self.fields["client_list"]
        if not owner.has_perm("mailings.add_clientlist"):
            del self.fields["new_list"]

    def clean(self) -> dict[str, Any]:
        """Check the file against the base; what is wrong with it is said at its field."""
        data = super().clean() or {}
        if data.get("client_list") and data.get("new_list"):
            self.add_error("new_list", _("Choose a list or name a new one, not both."))
        file = data.get("import_file")
        if file and not self.errors:
            try:
                data["report"] = check(file, file.name, self.owner)
            except BadFile as error:
                self.add_error("import_file", error)
        return data

    def save(self) -> ImportJob:
        data = self.cleaned_data
        chosen = data.get("client_list")
        name = chosen.name if chosen else data.get("new_list", "")
        return keep(data["import_file"], data["import_file"].name, self.owner, data["report"], name)


class ExportForm(forms.Form):
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[(str(place), export.label) for place, export in enumerate(EXPORT_FORMATS)],
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class ClientTransferMixin(ImportExportMixin):  # type: ignore[misc]  # import-export ships no types
    """Mix in before the admin class whose `get_queryset` is already scoped."""

    resource_classes = (ClientResource,)
    formats = EXPORT_FORMATS
    import_template_name = "admin/mailings/client/import.html"
    import_check_template_name = "admin/mailings/client/import_check.html"
    import_result_template_name = "admin/mailings/client/import_result.html"
    export_template_name = "admin/mailings/client/export.html"

    def get_resource_kwargs(self, request: HttpRequest, *_: Any, **__: Any) -> dict[str, Any]:
        return {"owner": request.user}

    def get_valid_export_item_pks(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer for rows of this person's own pages only: the library's list of all ids tells which exist."""
        return self.get_queryset(request).values_list("pk", flat=True)  # type: ignore[no-any-return]  # an admin class below

    # --- In -----------------------------------------------------------------------------------------------------------

    def import_action(self, request: HttpRequest) -> HttpResponseBase:
        """Take a file and show what loading it would do; `?job=` shows it again, or what came of it."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if request.method != "POST" and "job" in request.GET:
            return self.job_page(request, own_job(request, request.GET["job"]))
        sent = (request.POST, request.FILES) if request.method == "POST" else ()
        form = UploadForm(request.user, *sent)  # type: ignore[arg-type]  # admin pages want a login
        if form.is_bound and form.is_valid():
            return self.check_page(request, form.save(), form.cleaned_data["report"])
        return self.transfer_page(request, self.import_template_name, _("Import clients"), form=form)

    @method_decorator(require_POST)
    def process_import(self, request: HttpRequest, **_: Any) -> HttpResponseBase:
        """Load a checked file, once."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        job = own_job(request, request.POST.get("job", ""))
        try:
            load(job)
        except AlreadyLoaded as refusal:
            messages.warning(request, str(refusal))
        except BadFile as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, gettext("The clients of “%(file)s” are loaded.") % {"file": job.file_name})
        return redirect(f"{self.page('import')}?job={job.pk}")

    def job_page(self, request: HttpRequest, job: ImportJob) -> HttpResponseBase:
        if job.status != ImportJob.Status.CHECKED:
            context = {"job": job, "rejected": job.rejected_rows[:SHOWN_REJECTIONS]}
            return self.transfer_page(request, self.import_result_template_name, _("Import of clients"), **context)
        try:
            with job.file.open("rb") as file:
                report = check(file, job.file_name, job.owner)
        except (BadFile, FileNotFoundError):
            messages.error(request, gettext("The file can no longer be read. Upload it again."))
            return redirect(self.page("import"))
        return self.check_page(request, job, report)

    def check_page(self, request: HttpRequest, job: ImportJob, report: Report) -> HttpResponseBase:
        context = {
            "job": job,
            "report": report,
            "list_name": job.mapping.get("list", ""),
            "delimiter": DELIMITER_NAMES.get(report.table.delimiter, ""),
            "headers": [(name, report.columns.header(name)) for name in report.columns.places],
            "first": [as_shown(report, row) for row in report.first],
            "rejected": report.rejected[:SHOWN_REJECTIONS],
            "to_load": report.good if job.mapping.get("list") else report.to_write,
            "process_url": self.page("process_import"),
        }
        return self.transfer_page(request, self.import_check_template_name, _("Check before loading"), **context)

    # --- Out ----------------------------------------------------------------------------------------------------------

    def export_action(self, request: HttpRequest) -> HttpResponseBase:
        """Give exactly the rows of the list, with its filters and its search."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_export_queryset(request)
        except (IncorrectLookupParameters, ValidationError):
            # As the list itself answers; never the page without the filter, which would export more.
            return HttpResponseRedirect(f"{self.page('changelist')}?e=1")
        form = ExportForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            return self.export_file(request, rows, EXPORT_FORMATS[int(form.cleaned_data["format"])]())
        return self.transfer_page(
            request, self.export_template_name, _("Export clients"), form=form, count=rows.count()
        )

    def export_file(self, request: HttpRequest, rows: QuerySet[Any], file_format: Any) -> HttpResponse:
        dataset = ClientResource(request.user).export(rows)  # type: ignore[arg-type]  # admin pages want a login
        response = HttpResponse(file_format.export_data(dataset), content_type=file_format.get_content_type())
        name = self.get_export_filename(request, rows, file_format)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    # --- Both ---------------------------------------------------------------------------------------------------------

    def page(self, name: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}")

    def transfer_page(self, request: HttpRequest, template: str, title: Any, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        context |= {"opts": self.opts, "title": title, "media": self.media, "changelist_url": self.page("changelist")}
        return TemplateResponse(request, template, self.admin_site.each_context(request) | context)


def own_job(request: HttpRequest, number: str) -> ImportJob:
    """:raises Http404: there is no such import of this person's; another's gives the same answer."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404
    job: ImportJob = get_object_or_404(ImportJob.objects.owned_by(request.user), pk=int(number))  # type: ignore[arg-type]  # admin pages want a login
    return job


def as_shown(report: Report, row: Any) -> dict[str, Any]:
    """Prepare a row for the page: per column what is in the base and what the file says."""
    fields = ClientResource.fields
    cells = [
        (fields[name].widget.render(row.old.get(name)), fields[name].widget.render(row.values.get(name)))
        for name in report.columns.places
    ]
    return {"line": row.line, "kind": row.kind.label, "is_suppressed": row.is_suppressed, "cells": cells}
