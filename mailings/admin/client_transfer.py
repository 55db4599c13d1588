"""Client lists in and out: our pages in place of django-import-export's, under its URL names and permissions.

Refuses what the library's pages do: naming files on the disk, exporting more than the list shows, printing tracebacks.
Here an import begins; its further steps are pages of the import (`mailings.admin.import_steps`).
"""

from __future__ import annotations

import csv
from typing import Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin

from accounts.access import person
from mailings.admin.import_form import UploadForm
from mailings.admin.import_report import steps
from mailings.formats import EXPORT_FORMATS, BadFile
from mailings.models import ImportJob
from mailings.operations import imports
from mailings.resources import ClientResource

# Of these the import knows all but the last, which shows what becomes of others.
EXAMPLE_COLUMNS = (
    pgettext_lazy("column of a file", "E-mail"),
    pgettext_lazy("column of a file", "Name"),
    pgettext_lazy("column of a file", "Comment"),
    pgettext_lazy("column of a file", "Date of consent"),
    pgettext_lazy("column of a file", "City"),
)
UNFINISHED = (ImportJob.Status.UPLOADED, ImportJob.Status.CHECKED, *ImportJob.IN_WORK)


class ExportForm(forms.Form):
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[(str(place), export.label) for place, export in enumerate(EXPORT_FORMATS)],
        widget=forms.Select(attrs={"class": "form-select"}),
    )


def may_import(request: HttpRequest) -> bool:
    """A file adds clients and changes those that are there: who may do but one of both may not import."""
    return person(request).has_perms(("mailings.add_client", "mailings.change_client"))


class ClientTransferMixin(ImportExportMixin):  # type: ignore[misc]  # import-export ships no types
    """Mix in before the admin class whose `get_queryset` is already scoped."""

    resource_classes = (ClientResource,)
    formats = EXPORT_FORMATS
    import_template_name = "admin/mailings/client/import.html"
    export_template_name = "admin/mailings/client/export.html"

    def get_urls(self) -> list[URLPattern]:
        example = path(
            "import/example.csv", self.admin_site.admin_view(self.example_view), name="mailings_client_import_example"
        )
        # The library's second step takes the name of a file on the disk; ours is another page.
        kept = [url for url in super().get_urls() if url.name != "mailings_client_process_import"]
        return [example, *kept]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return may_import(request)

    def get_resource_kwargs(self, request: HttpRequest, *_: Any, **__: Any) -> dict[str, Any]:
        return {"owner": request.user}

    def get_valid_export_item_pks(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer for rows of this person's own pages only: the library's list of all ids tells which exist."""
        return self.get_queryset(request).values_list("pk", flat=True)  # type: ignore[no-any-return]  # an admin class below

    # --- In -----------------------------------------------------------------------------------------------------------

    def import_action(self, request: HttpRequest) -> HttpResponseBase:
        """Take a file and go on to its columns; offer what was begun and not ended."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = UploadForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
        if form.is_bound and form.is_valid():
            file = form.cleaned_data["import_file"]
            try:
                job = imports.receive(file, file.name, person(request), get_language() or "")
            except BadFile as error:
                form.add_error("import_file", error)
            else:
                return redirect("admin:mailings_importjob_columns", job.pk)
        unfinished = ImportJob.objects.owned_by(person(request)).filter(status__in=UNFINISHED)[:5]
        context = {"form": form, "unfinished": unfinished, "steps": steps("file")}
        return self.transfer_page(request, self.import_template_name, _("Import clients"), **context)

    def example_view(self, request: HttpRequest) -> HttpResponse:
        """Give a small file that Excel opens with a double click, with the columns that are known by name."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{gettext("clients")}.csv"'
        rows = csv.writer(response, delimiter=";")
        rows.writerow(list(map(str, EXAMPLE_COLUMNS)))
        day = timezone.localdate().isoformat()
        note = gettext("asked for the price list")
        rows.writerow(["ivan@example.com", gettext("Ivan Petrov"), note, day, gettext("Kazan")])
        rows.writerow(["olga@example.com", gettext("Olga Sokolova"), "", day, gettext("Perm")])
        return response

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
