"""Cleans the rows of one file, each cell by its field's widget, gathering every fault. Made for a million rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from mailings.models.address import normalise_address
from mailings.models.client import ATTRIBUTES_LIMIT, validate_attributes
from mailings.resources import typo
from mailings.resources.cells import AttributeWidget
from mailings.resources.client import ClientResource
from mailings.resources.columns import Columns

SHOWN = 100  # characters of a wrong value that are worth repeating to its author


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that is wrong. The reason is a sentence in the language of whoever reads the report."""

    column: str
    value: str
    reason: str


@dataclass(slots=True)
class Cleaned:
    """Values by field; blank cells are left out, for they change nothing. `likely` is the address perhaps meant."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    likely: str = ""


class RowCleaner:
    """`corrects` puts the likely address in the place of a mistyped one."""

    def __init__(self, columns: Columns, *, corrects: bool = False) -> None:
        self.columns = columns
        self.corrects = corrects
        self.width = len(columns.headers)
        self.cell_limit = settings.IMPORT_CELL_LIMIT
        fields = ClientResource.fields
        self.readers = [(name, place, fields[name].widget.reader()) for name, place in columns.places.items()]
        read = AttributeWidget().reader()
        self.attribute_readers = [(name, place, read) for name, place in columns.attributes.items()]

    def clean(self, cells: list[str]) -> Cleaned:
        cleaned = Cleaned()
        if len(cells) > self.width or max(map(len, cells)) > self.cell_limit:
            cleaned.faults = self.misshapen(cells)
            return cleaned
        self.fill(cleaned.values, cleaned.faults, self.readers, cells)
        if self.attribute_readers:
            attributes: dict[str, Any] = {}
            self.fill(attributes, cleaned.faults, self.attribute_readers, cells)
            if attributes:
                self.add_attributes(cleaned, attributes)
        self.look_at_address(cleaned, cells)
        return cleaned

    def add_attributes(self, cleaned: Cleaned, attributes: dict[str, Any]) -> None:
        together = cleaned.values.get("attributes", {}) | attributes
        cleaned.values["attributes"] = together
        if len(together) > ATTRIBUTES_LIMIT:
            try:
                validate_attributes(together)
            except ValidationError as error:
                place = next(iter(self.columns.attributes.values()))
                cleaned.faults.append(Fault(self.columns.headers[place], "", " ".join(error.messages)))

    def fill(
        self,
        values: dict[str, Any],
        faults: list[Fault],
        readers: list[tuple[str, int, Callable[[str], Any]]],
        cells: list[str],
    ) -> None:
        count = len(cells)
        for name, place, read in readers:
            text = cells[place] if place < count else ""
            try:
                value = read(text)
            except ValidationError as error:
                faults.append(Fault(self.columns.headers[place], text[:SHOWN], " ".join(error.messages)))
            else:
                if value is not None:
                    values[name] = value

    def look_at_address(self, cleaned: Cleaned, cells: list[str]) -> None:
        """Doubt an address that looks mistyped; offer the likely one for one that cannot be mailed, too."""
        email = cleaned.values.get("email")
        cleaned.likely = typo.likely(email) if email else self.likely_for_wrong(cells)
        if not cleaned.likely:
            return
        if self.corrects:
            cleaned.values["email"] = cleaned.likely
            cleaned.faults = [fault for fault in cleaned.faults if fault.column != self.columns.header("email")]
        elif not email:
            offer = _("Perhaps it should be %(likely)s.") % {"likely": cleaned.likely}
            cleaned.faults = [
                Fault(fault.column, fault.value, f"{fault.reason} {offer}")
                if fault.column == self.columns.header("email")
                else fault
                for fault in cleaned.faults
            ]

    def likely_for_wrong(self, cells: list[str]) -> str:
        place = self.columns.places["email"]
        text = cells[place] if place < len(cells) else ""
        meant = typo.in_latin(text)
        if meant == text:
            return ""
        try:
            address = normalise_address(meant)
        except ValidationError:
            return ""
        return typo.likely(address) or address

    def misshapen(self, cells: list[str]) -> list[Fault]:
        """Name the cell beyond the last column, or those too long to be meant."""
        if len(cells) > self.width:
            reason = _(
                "This row has more cells than there are columns. Put quotes around a cell that holds the separator."
            )
            return [Fault("", cells[self.width][:SHOWN], reason)]
        reason = _("A cell holds at most %(limit)s characters.") % {"limit": self.cell_limit}
        return [
            Fault(self.columns.headers[place], cell[:SHOWN], reason)
            for place, cell in enumerate(cells)
            if len(cell) > self.cell_limit
        ]
