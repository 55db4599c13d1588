"""Which column of a file means which field: by its name, by what its owner chose before, or by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from mailings.formats import BadFile

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
# The target of a column that becomes an attribute begins so; its name follows.
ATTRIBUTE = "attribute:"


def squeeze(header: str) -> str:
    return re.sub(r"[\W_]+", "", header.casefold()).replace("ё", "е")


NAMES = {squeeze(alias): name for name, aliases in ALIASES.items() for alias in (name, *aliases)}


@dataclass(frozen=True)
class Columns:
    """What becomes of each column: a field's name, `ATTRIBUTE` with a name, or nothing for one that is not read."""

    headers: Sequence[str]
    targets: Sequence[str]

    @cached_property
    def places(self) -> dict[str, int]:
        """Where the columns of fields stand."""
        return {target: place for place, target in enumerate(self.targets) if target in ALIASES}

    @cached_property
    def attributes(self) -> dict[str, int]:
        """Where the columns stand that become attributes, by the attribute's name."""
        names = ((place, target.removeprefix(ATTRIBUTE)) for place, target in enumerate(self.targets))
        return {name: place for place, name in names if name and name != self.targets[place]}

    @property
    def ignored(self) -> list[str]:
        return [header for header, target in zip(self.headers, self.targets, strict=True) if header and not target]

    def header(self, name: str) -> str:
        return self.headers[self.places[name]]


def attribute_of(header: str) -> str:
    """Make an attribute's name of a column's; nothing if none can be made."""
    name = re.sub(r"[^\w -]+", " ", header)
    return re.sub(r"\s+", " ", name).strip(" -")[:50].strip(" -")


def guess(headers: Sequence[str], remembered: Mapping[str, str] | None = None) -> list[str]:
    """Tell what each column means: as its owner chose for a column of this name, else by its name. Each field once."""
    remembered = remembered or {}
    targets: list[str] = []
    for header in headers:
        squeezed = squeeze(header)
        target = remembered.get(squeezed, NAMES.get(squeezed, ""))
        targets.append("" if target in targets else target)
    return targets


def by_name(headers: Sequence[str]) -> Columns:
    """Recognise the columns by their names alone.

    :raises BadFile: there is no column of addresses, or two columns mean the same.
    """
    columns = Columns(headers, [NAMES.get(squeeze(header), "") for header in headers])
    check(columns)
    return columns


def check(columns: Columns) -> None:
    """:raises BadFile: there is no column of addresses, or two columns mean the same."""
    first: dict[str, str] = {}
    for header, target in zip(columns.headers, columns.targets, strict=True):
        if target and target in first:
            message = _("The columns “%(first)s” and “%(second)s” mean the same. Keep one of them.")
            raise BadFile(message, params={"first": first[target], "second": header})
        first[target] = header
    if "email" not in columns.places:
        raise BadFile(why_no_email(columns.headers))


def why_no_email(headers: Sequence[str]) -> str:
    found = ", ".join(filter(None, headers))[:300]
    if any("@" in header for header in headers):
        message = _("The first line must hold the column names, such as “E-mail; Name”. Found: %(found)s.")
    else:
        message = _("There is no e-mail column. Name the column of the addresses “E-mail”. Found: %(found)s.")
    return message % {"found": found}
