"""Reads the first visible sheet of an XLSX workbook as text, values only, within bounds that no bomb can pass."""

from __future__ import annotations

import datetime as dt
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

import openpyxl
from django.utils.translation import gettext_lazy as _

from mailings.formats.table import COLUMNS_LIMIT, BadFile, Record, Table

UNPACKED_LIMIT_MB = 50
MEMBERS_LIMIT = 500
TAGS_LIMIT = 3_000_000  # 50 000 rows of ten filled cells have 2.9 million
LINES_LIMIT = 1_048_576  # of Excel itself; a row number beyond it is forged
# RuntimeError: encrypted; NotImplementedError: a compression that Python does not know.
READING_FAULTS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)
TOO_LARGE = _("The workbook is too large when unpacked. Copy the list into a new workbook, or save it as CSV.")
DAMAGED = _("The workbook is damaged. Open it in Excel, save it again as .xlsx and upload that.")
NOT_WORKBOOK = _("This is not an Excel workbook. Save the list as .xlsx or CSV and upload that.")


def read_workbook(file: IO[bytes]) -> Table:
    """:raises BadFile: it is damaged, too large when unpacked, or no workbook at all."""
    check_archive(file)
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = next((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), None)
    except Exception as error:  # openpyxl lets out whatever its parsers meet in a broken file
        raise BadFile(DAMAGED) from error
    if sheet is None:
        raise BadFile(_("The workbook has no visible sheet with rows."))
    return Table("xlsx", [], read_records(sheet), sheet=sheet.title)


def check_archive(file: IO[bytes]) -> None:
    """Look at the archive's list of files before anything is unpacked, and at its bulk before anything is parsed."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            is_large = is_too_large(archive)
    except READING_FAULTS as error:
        raise BadFile(DAMAGED) from error
    if is_large:
        raise BadFile(TOO_LARGE)
    if "[Content_Types].xml" not in names:
        raise BadFile(NOT_WORKBOOK)


def is_too_large(archive: zipfile.ZipFile) -> bool:
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if len(members) > MEMBERS_LIMIT or unpacked > UNPACKED_LIMIT_MB * 1024 * 1024:
        return True
    return sum(count_tags(archive, member) for member in members) > TAGS_LIMIT


def count_tags(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Count what the parser will have to build: a million empty rows pack into a few kilobytes."""
    with archive.open(member) as content:
        return sum(chunk.count(b"<") for chunk in iter(lambda: content.read(1024 * 1024), b""))


def read_records(sheet: Any) -> Iterator[Record]:
    # The dimension that the file states may be false, and would be believed.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(values_only=True, max_row=LINES_LIMIT, max_col=COLUMNS_LIMIT + 1)
    line = 0
    while True:
        try:
            values = next(rows, None)
        except Exception as error:  # as above: the sheet is parsed while it is read
            raise BadFile(DAMAGED) from error
        if values is None:
            return
        line += 1
        if values.count(None) < len(values):
            yield line, [as_text(value) for value in values]


def as_text(value: Any) -> str:
    """Write a value as a person would type it: 12345.0 is 12345, a date without a time is 2026-11-23."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return str(value.date()) if value.time() == dt.time() else value.isoformat(" ")
    return str(value)
