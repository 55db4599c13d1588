"""Reads the rows of one sheet as text, as a person would type it, whatever size the sheet says it has."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from django.conf import settings
from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel

from mailings.formats.strings import SharedStrings, unescape
from mailings.formats.table import BadFile, Record
from mailings.formats.xml import DAMAGED, Handler, parse

LINES_LIMIT = 1_048_576  # of Excel itself; a row number beyond it is forged
DIGITS = "0123456789"


@dataclass(frozen=True)
class Look:
    """What a cell's meaning hangs on outside the sheet: the shared texts, and which styles show a number as a time."""

    strings: SharedStrings
    dates: frozenset[str] = frozenset()
    durations: frozenset[str] = frozenset()
    epoch: dt.datetime = WINDOWS_EPOCH


class ColumnPlaces(dict[str, int]):
    def __missing__(self, letters: str) -> int:
        self[letters] = place = column_index_from_string(letters) - 1
        return place


@dataclass
class Cell:
    place: int = 0
    kind: str = ""
    style: str = ""


@dataclass
class Row:
    line: int = 0
    cells: list[str] = field(default_factory=list)
    next_place: int = 0


class SheetHandler(Handler):
    """Collects the filled rows; those that are whole wait in `ready`."""

    def __init__(self, look: Look) -> None:
        super().__init__(settings.IMPORT_CELL_LIMIT)
        self.look = look
        self.width = settings.IMPORT_COLUMNS_LIMIT + 1
        self.places = ColumnPlaces()
        self.ready: list[Record] = []
        self.cell = Cell()
        self.row = Row()
        self.is_spoken = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = self.names[name]
        if local == "c":
            self.start_cell(attributes)
        elif local in ("v", "t"):
            self.is_text = not self.is_spoken
        elif local == "row":
            self.start_row(attributes)
        elif local == "rPh":
            self.is_spoken = True

    def end(self, name: str) -> None:
        local = self.names[name]
        if local == "c":
            self.end_cell()
        elif local in ("v", "t"):
            self.is_text = False
        elif local == "row":
            self.end_row()
        elif local == "rPh":
            self.is_spoken = False

    def start_row(self, attributes: dict[str, str]) -> None:
        # Both numbers may be left out, and mean the next one then (ECMA-376 part 1, 18.3.1.73 and 18.3.1.4).
        line = int(attributes.get("r", self.row.line + 1))
        if not self.row.line < line <= LINES_LIMIT:
            raise BadFile(DAMAGED)
        self.row = Row(line)

    def start_cell(self, attributes: dict[str, str]) -> None:
        name = attributes.get("r")
        place = self.places[name.rstrip(DIGITS)] if name else self.row.next_place
        self.row.next_place = place + 1
        self.cell = Cell(place, attributes.get("t", "n"), attributes.get("s", ""))
        self.text = ""

    def end_cell(self) -> None:
        text = self.text
        cells = self.row.cells
        if not text:
            self.count_empty()
        elif len(cells) <= self.cell.place < self.width:
            cells.extend([""] * (self.cell.place - len(cells)))
            cells.append(self.read_cell(text))

    def end_row(self) -> None:
        if self.row.cells:
            self.ready.append((self.row.line, self.row.cells))
        else:
            self.count_empty()

    def read_cell(self, text: str) -> str:
        kind = self.cell.kind
        if kind == "s":
            return self.look.strings[int(text)]
        if kind in ("inlineStr", "str"):
            return unescape(text)
        if kind == "n":
            return self.read_number(text)
        if kind == "b":
            return str(text == "1")
        return as_text(dt.datetime.fromisoformat(text)) if kind == "d" else text

    def read_number(self, text: str) -> str:
        style = self.cell.style
        if style in self.look.dates:
            return as_text(from_excel(float(text), self.look.epoch, style in self.look.durations))
        return text if text.isdigit() else as_number(float(text))


def as_number(number: float) -> str:
    """Write 12345.0 as 12345 and 0.10000000000000001 as 0.1."""
    if not math.isfinite(number):
        raise BadFile(DAMAGED)
    return str(int(number)) if number.is_integer() else str(number)


def as_text(value: object) -> str:
    """Write a date without a time as 2026-11-23."""
    if isinstance(value, dt.datetime):
        return str(value.date()) if value.time() == dt.time() else value.isoformat(" ")
    return str(value)


def read_rows(source: IO[bytes], look: Look) -> Iterator[Record]:
    """:raises BadFile: the sheet is broken, or made to harm."""
    handler = SheetHandler(look)
    for _turn in parse(source, handler):
        yield from handler.ready
        handler.ready = []
