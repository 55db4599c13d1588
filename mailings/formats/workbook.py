"""Finds the first visible sheet of an XLSX workbook, after a look at the archive that no bomb passes.

openpyxl reads what is small and intricate (parts, sheets, styles). Sheets and texts, which may be huge, are ours: its
reader takes six times as long over a row, and as much memory as a forger likes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.xml.constants import SHARED_STRINGS

from mailings.formats.sheet import Look, read_rows
from mailings.formats.strings import SharedStrings, read_strings
from mailings.formats.table import BadFile, Record, Table
from mailings.formats.xml import DAMAGED, READING_FAULTS, TOO_LARGE

MEGABYTE = 1024 * 1024
MEMBERS_LIMIT = 500
# Deflate makes a thousandth of one repeated letter; the most monotonous list of clients becomes a thirtieth.
PACKING_LIMIT = 100
# openpyxl builds a tree of these parts; a workbook with every style there can be has as many tags.
TREE_PARTS = ("[Content_Types].xml", "xl/workbook.xml", "xl/styles.xml", ".rels")
TAGS_LIMIT = 200_000
NOT_WORKBOOK = _("This is not an Excel workbook. Save the list as .xlsx or CSV and upload that.")


def read_workbook(file: IO[bytes]) -> Table:
    """:raises BadFile: it is damaged, too large when unpacked, or no workbook at all."""
    check_archive(file)
    try:
        reader = read_parts(file)
        found = first_visible(reader)
    except Exception as error:  # openpyxl lets out whatever its parsers meet in a broken file
        raise BadFile(DAMAGED) from error
    if found is None:
        raise BadFile(_("The workbook has no visible sheet with rows."))
    title, path = found
    return Table("xlsx", [], read_records(reader, path), sheet=title)


def check_archive(file: IO[bytes]) -> None:
    """Look at the archive's list of files before anything is unpacked, into the small ones before they are parsed."""
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
    if len(members) > MEMBERS_LIMIT or unpacked > settings.IMPORT_UNPACKED_LIMIT_MB * MEGABYTE:
        return True
    return any(map(is_bomb, members)) or any(
        has_many_tags(archive, member) for member in members if member.filename.endswith(TREE_PARTS)
    )


def is_bomb(member: zipfile.ZipInfo) -> bool:
    # Python unpacks no more than is stated here, so a false size ends as a damaged file.
    return member.file_size > max(10 * MEGABYTE, PACKING_LIMIT * member.compress_size)


def has_many_tags(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    tags = 0
    with archive.open(member) as content:
        while chunk := content.read(MEGABYTE):
            tags += chunk.count(b"<")
            if tags > TAGS_LIMIT or content.tell() > 10 * MEGABYTE:
                return True
    return False


def read_parts(file: IO[bytes]) -> ExcelReader:
    """Read which parts there are, the list of sheets and the styles: what `load_workbook` does, short of the rows."""
    reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
    reader.read_manifest()
    reader.read_workbook()
    apply_stylesheet(reader.archive, reader.wb)
    return reader


def first_visible(reader: ExcelReader) -> tuple[str, str] | None:
    """Find the title and the path of the first sheet that people see."""
    for sheet, relation in reader.parser.find_sheets():
        if sheet.state == "visible" and relation.Type.endswith("/worksheet"):
            return sheet.name, relation.target
    return None


def read_records(reader: ExcelReader, path: str) -> Iterator[Record]:
    try:
        book: Any = reader.wb
        look = Look(
            shared_strings(reader.archive, reader.package),
            dates=frozenset(map(str, book._date_formats)),  # noqa: SLF001  openpyxl's own reader asks so
            durations=frozenset(map(str, book._timedelta_formats)),  # noqa: SLF001  the same
            epoch=book.epoch,
        )
        with reader.archive.open(path) as source:
            yield from read_rows(source, look)
    except BadFile:
        raise
    except (KeyError, TypeError, OverflowError, *READING_FAULTS) as error:
        raise BadFile(DAMAGED) from error


def shared_strings(archive: zipfile.ZipFile, package: Any) -> SharedStrings:
    part = package.find(SHARED_STRINGS)
    if part is None:
        return SharedStrings()
    with archive.open(part.PartName[1:]) as source:
        return read_strings(source, settings.IMPORT_CELL_LIMIT)
