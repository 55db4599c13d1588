"""The forms of an import: the file, and what its columns mean."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.line import validate_no_control
from mailings.formats import DELIMITERS, ENCODINGS, BadFile, Reading
from mailings.models import ClientList, ImportJob
from mailings.resources import columns as names

DELIMITER_NAMES = {",": _("comma"), ";": _("semicolon"), "\t": _("tab")}
FIELD_NAMES = {
    "email": _("E-mail"),
    "full_name": pgettext_lazy("column of a file", "Name"),
    "comment": _("Comment"),
    "consent_at": _("Date of consent"),
    "consent_source": _("Source of consent"),
    "attributes": _("Attributes as JSON"),
}


def select(**attributes: str) -> forms.Select:
    return forms.Select(attrs={"class": "form-select", **attributes})


class UploadForm(forms.Form):
    import_file = forms.FileField(
        label=_("File"),
        # Our reader has the better sentence.
        allow_empty_file=True,
        max_length=500,
        widget=forms.FileInput(attrs={"class": "form-control", "accept": ".csv,.txt,.xlsx"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].help_text = gettext(
            "CSV or Excel (.xlsx), up to %(limit)s MB and %(rows)s rows."
        ) % {"limit": settings.UPLOAD_LIMIT_MB, "rows": f"{settings.IMPORT_ROWS_LIMIT:,}".replace(",", "\u202f")}


class ColumnsForm(forms.Form):
    """`column_N` is what becomes of the file's column N; which columns there are, the import knows."""

    encoding = forms.ChoiceField(label=_("Encoding"), choices=list(ENCODINGS.items()), widget=select())
    delimiter = forms.ChoiceField(
        label=_("Separator"), choices=[(each, DELIMITER_NAMES[each]) for each in DELIMITERS], widget=select()
    )
    has_header = forms.BooleanField(
        label=_("The first line holds the column names"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    on_existing = forms.ChoiceField(
        label=_("Clients who are there already"),
        choices=ImportJob.OnExisting.choices,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    client_list = forms.ModelChoiceField(
        ClientList.objects.none(),
        label=_("Put all of them on the list"),
        required=False,
        empty_label=_("— no list —"),
        widget=select(),
    )
    new_list = forms.CharField(
        label=_("or on a new list named"),
        required=False,
        max_length=100,
        validators=[validate_no_control],
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )

    def __init__(self, job: ImportJob, data: Any = None) -> None:
        super().__init__(data, initial=initial(job))
        self.job = job
        owner = job.owner
        self.fields["client_list"].queryset = ClientList.objects.owned_by(owner).order_by("name")  # type: ignore[attr-defined]  # a choice field
        for place, each in enumerate(job.mapping):
            label = gettext("Field for the column “%(name)s”") % {"name": each["header"]}
            choices = target_choices(each["header"] if job.has_header else "")
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=label, choices=choices, required=False, widget=select(**{"aria-label": label})
            )
        if not job.encoding:  # a workbook says itself how it is written
            del self.fields["encoding"], self.fields["delimiter"]
        if not owner.has_perm("mailings.change_clientlist"):
            del self.fields["client_list"]
        if not owner.has_perm("mailings.add_clientlist"):
            del self.fields["new_list"]

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Pair each column with its first cells and its field, for the page."""
        return [
            {
                "header": each["header"],
                "examples": [row[place] for row in self.job.sample if place < len(row) and row[place]][:3],
                "field": self[f"column_{place}"],
            }
            for place, each in enumerate(self.job.mapping)
        ]

    @property
    def reading(self) -> Reading:
        """How the person wants the file to be read."""
        data = self.cleaned_data
        return Reading(data.get("encoding", ""), data.get("delimiter", ""), data.get("has_header", True))

    @property
    def targets(self) -> list[str]:
        return [self.cleaned_data.get(f"column_{place}", "") for place in range(len(self.job.mapping))]

    @property
    def list_name(self) -> str:
        chosen: ClientList | None = self.cleaned_data.get("client_list")
        named: str = self.cleaned_data.get("new_list", "")
        return chosen.name if chosen else named.strip()

    def is_read_otherwise(self) -> bool:
        """Tell whether the person wants the file read another way than it was; its columns are others then."""
        self.is_valid()
        known = Reading(self.job.encoding, self.job.delimiter, self.job.has_header)
        return "encoding" not in self.errors and "delimiter" not in self.errors and self.reading != known

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("client_list") and data.get("new_list"):
            self.add_error("new_list", _("Choose a list or name a new one, not both."))
        if not any(name.startswith("column_") for name in self.errors):
            headers = [each["header"] for each in self.job.mapping]
            targets = [data.get(f"column_{place}", "") for place in range(len(headers))]
            try:
                names.check(names.Columns(headers, targets))
            except BadFile as error:
                self.add_error(None, error)
        return data


def initial(job: ImportJob) -> dict[str, Any]:
    reading = {"encoding": job.encoding, "delimiter": job.delimiter, "has_header": job.has_header}
    chosen = {f"column_{place}": each["target"] for place, each in enumerate(job.mapping)}
    listed = {"client_list": job.client_list_id, "new_list": "" if job.client_list_id else job.list_name}
    return {**reading, **chosen, **listed, "on_existing": job.on_existing}


def target_choices(header: str) -> list[tuple[str, Any]]:
    attribute = names.attribute_of(header)
    own = [(names.ATTRIBUTE + attribute, gettext("Attribute “%(name)s”") % {"name": attribute})] if attribute else []
    return [("", _("— do not load —")), *FIELD_NAMES.items(), *own]
