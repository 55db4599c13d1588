"""Writes tables that Excel opens as they are, and in which no cell runs as a formula."""

from __future__ import annotations

import csv
import io
from typing import Any, ClassVar

import openpyxl
from import_export.formats import base_formats
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from mailings.formats.apostrophe import cover, cover_literal
from mailings.formats.strings import escape


class CsvFormat(base_formats.CSV):  # type: ignore[misc]  # import-export ships no types
    """UTF-8 with its mark and semicolons: Excel opens it right with a double click, Russian or not."""

    CONTENT_TYPE = "text/csv; charset=utf-8"
    label: ClassVar[str] = "CSV"

    def export_data(self, dataset: Any, **_: Any) -> str:
        out = io.StringIO(newline="")
        out.write("\ufeff")
        writer = csv.writer(out, delimiter=";")
        writer.writerow(dataset.headers)
        writer.writerows([cover(cell) for cell in row] for row in dataset)
        return out.getvalue()


class XlsxFormat(base_formats.XLSX):  # type: ignore[misc]  # import-export ships no types
    """Every cell is typed as text, so that none needs an apostrophe and a phone number stays one."""

    label: ClassVar[str] = "Excel (XLSX)"

    def export_data(self, dataset: Any, **_: Any) -> bytes:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet(dataset.title or "Sheet")
        sheet.append(dataset.headers)
        for row in dataset:
            sheet.append([as_cell(sheet, cell) for cell in row])
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()


def as_cell(sheet: Any, text: str) -> Any:
    # XML 1.0 has no place for most control characters.
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", cover_literal(escape(text))))
    cell.data_type = "s"  # openpyxl makes a formula of whatever starts with "="
    return cell


EXPORT_FORMATS: tuple[type[CsvFormat | XlsxFormat], ...] = (CsvFormat, XlsxFormat)
