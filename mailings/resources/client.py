"""Which columns a file of clients has, what people call them, and how one row is cleaned.

Knows the rows of one owner only: neither `id` nor `owner` is a column, so that no file can name another's row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.resources import ModelResource

from accounts.models import User
from mailings.formats import BadFile
from mailings.models import Client
from mailings.models.client import validate_attributes
from mailings.resources.cells import AddressWidget, AttributesWidget, CommentWidget, MomentWidget, TextWidget, flat

CELL_LIMIT = 10_000
SHOWN = 100  # characters of a wrong value that are worth repeating to its author

# Compared without case, spaces and punctuation, “ё” as “е”. No “адрес” alone: it is a street as often.
ALIASES = {
    "email": (
        "email", "e-mail address", "mail", "почта", "эл. почта", "электронная почта", "адрес почты",
        "адрес электронной почты", "имейл", "емейл", "мейл",
    ),
    "full_name": ("full name", "name", "имя", "фио", "полное имя", "имя и фамилия", "фамилия и имя"),
    "comment": ("comment", "comments", "note", "notes", "комментарий", "комментарии", "примечание", "заметка"),
    "consent_at": (
        "consent at", "consent given at", "consent date", "date of consent", "дата согласия", "согласие",
    ),
    "consent_source": ("consent source", "source of consent", "источник согласия", "основание согласия"),
    "attributes": ("attributes", "атрибуты", "дополнительные поля"),
}  # fmt: skip


def squeeze(header: str) -> str:
    return re.sub(r"[\W_]+", "", header.casefold()).replace("ё", "е")


NAMES = {squeeze(alias): name for name, aliases in ALIASES.items() for alias in (name, *aliases)}


@dataclass(frozen=True)
class Columns:
    """Where the known columns stand in a file, by field, and the headers of those that are not read."""

    headers: list[str]
    places: dict[str, int]
    ignored: list[str]

    def header(self, name: str) -> str:
        return self.headers[self.places[name]]


@dataclass(frozen=True)
class Fault:
    """A cell that is wrong. The reason is a sentence in the language of whoever reads the report."""

    column: str
    value: str
    reason: str


@dataclass
class Cleaned:
    """Values by field; blank cells are left out, for they change nothing."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class ClientResource(ModelResource):  # type: ignore[misc]  # import-export ships no types
    email = Field("email", widget=AddressWidget(), saves_null_values=False)
    full_name = Field("full_name", widget=TextWidget("full_name"), saves_null_values=False)
    comment = Field("comment", widget=CommentWidget("comment"), saves_null_values=False)
    consent_at = Field("consent_at", widget=MomentWidget(), saves_null_values=False)
    consent_source = Field("consent_source", widget=TextWidget("consent_source"), saves_null_values=False)
    attributes = Field("attributes", widget=AttributesWidget(), saves_null_values=False)

    class Meta:
        model = Client
        fields = tuple(ALIASES)
        import_id_fields = ("email",)
        # One constraint query per row, and the sentence of the database where ours should stand.
        clean_model_instances = False

    def __init__(self, owner: User | None = None) -> None:
        super().__init__()
        self.owner = owner

    def get_queryset(self) -> QuerySet[Client]:
        return Client.objects.owned_by(self.owner) if self.owner else Client.objects.none()

    def init_instance(self, row: Any = None) -> Client:
        return Client(owner=self.owner)

    def before_import(self, dataset: Any, **_: Any) -> None:
        """Give the columns of a dataset of the library's own import the names of the fields."""
        columns = self.columns(list(dataset.headers or []))
        names = {columns.header(name): name for name in columns.places}
        dataset.headers = [names.get(header, header) for header in columns.headers]

    def after_import(self, *_: Any, **__: Any) -> None:
        """Leave the sequence of ids alone: the library's reset makes two imports at a time collide."""

    def columns(self, headers: list[str]) -> Columns:
        """Recognise the columns by their names.

        :raises BadFile: there is no column of addresses, or two columns mean the same.
        """
        places: dict[str, int] = {}
        for place, header in enumerate(headers):
            name = NAMES.get(squeeze(header))
            if name in places:
                message = _("The columns “%(first)s” and “%(second)s” mean the same. Keep one of them.")
                raise BadFile(message, params={"first": headers[places[name]], "second": header})
            if name:
                places[name] = place
        if "email" not in places:
            raise BadFile(why_no_email(headers), params={"found": ", ".join(filter(None, headers))[:300]})
        ignored = [header for place, header in enumerate(headers) if header and place not in places.values()]
        return Columns(headers, places, ignored)

    def clean(self, columns: Columns, cells: list[str]) -> Cleaned:
        """Clean a row by the fields' widgets, gathering every fault."""
        cleaned = Cleaned(faults=misshapen(columns, cells))
        if cleaned.faults:
            return cleaned
        for name, place in columns.places.items():
            text = cells[place] if place < len(cells) else ""
            try:
                value = self.fields[name].clean({name: text})
            except ValidationError as error:
                cleaned.faults.append(Fault(columns.headers[place], text[:SHOWN], " ".join(error.messages)))
            else:
                if value is not None:
                    cleaned.values[name] = value
        return cleaned

    def changes(self, client: Client, values: dict[str, Any]) -> dict[str, Any]:
        """Find what a row would change in a client: attributes are added to, the other values replaced.

        :raises ValidationError: the client would have too many attributes.
        """
        wanted = dict(values)
        if "attributes" in wanted:
            wanted["attributes"] = client.attributes | wanted["attributes"]
            validate_attributes(wanted["attributes"])
        return {name: value for name, value in wanted.items() if flat(getattr(client, name)) != flat(value)}


def why_no_email(headers: list[str]) -> str:
    if any("@" in header for header in headers):
        return _("The first line must hold the column names, such as “E-mail; Name”. Found: %(found)s.")
    return _("There is no e-mail column. Name the column of the addresses “E-mail”. Found: %(found)s.")


def misshapen(columns: Columns, cells: list[str]) -> list[Fault]:
    """Find a cell beyond the last column, or one too long to be meant."""
    if len(cells) > len(columns.headers):
        extra = cells[len(columns.headers)]
        reason = _("This row has more cells than there are columns. Put quotes around a cell that holds the separator.")
        return [Fault("", extra[:SHOWN], reason)]
    reason = _("A cell holds at most %(limit)s characters.") % {"limit": CELL_LIMIT}
    return [
        Fault(columns.headers[place], cell[:SHOWN], reason)
        for place, cell in enumerate(cells)
        if len(cell) > CELL_LIMIT
    ]
