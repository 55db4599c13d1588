"""What is read from a file of clients, whatever its kind: column names, and rows that keep their line numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from mailings.formats.apostrophe import uncover

# Spreadsheets and web pages leave these where nobody can see them.
INVISIBLE = " \t\r\n\xa0\ufeff\u200b"
# How many rows tell how many columns a file without column names has.
WIDTH_ROWS = 20

Record = tuple[int, list[str]]


class BadFile(ValidationError):
    """The file cannot be taken in: one sentence that names the place and the remedy."""


@dataclass(frozen=True)
class Reading:
    """How a file is to be read, where a person says so. What is blank is recognised."""

    encoding: str = ""
    delimiter: str = ""
    has_header: bool = True


@dataclass(frozen=True)
class Table:
    """`rows` gives (line as in the file, cells) once, without blank lines, and may raise `BadFile` on its way.

    A row is cut after its last filled cell, so it may be shorter than `headers`, or longer if it has cells too many.
    """

    kind: str
    headers: list[str]
    rows: Iterator[Record]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""


def with_headers(table: Table, *, has_header: bool = True) -> Table:
    """Take the column names off the first filled line and look at what follows; number the columns of other files.

    :raises BadFile: there is no such line, nothing below it, or its names cannot be told apart.
    """
    records = filled(table.rows)
    if not has_header:
        return with_numbers(table, records)
    _line, cells = next(records, (0, []))
    headers = [cell.strip(INVISIBLE) for cell in cells]
    check_headers(headers)
    first = next(records, None)
    if first is None:
        raise BadFile(_("There are no rows below the column names. Put each client on a line of his own."))
    return replace(table, headers=headers, rows=limited(chain([first], records)))


def with_numbers(table: Table, records: Iterator[Record]) -> Table:
    first = list(islice(records, WIDTH_ROWS))
    width = max((len(cells) for _line, cells in first), default=0)
    headers = [str(_("Column %(number)s") % {"number": number}) for number in range(1, width + 1)]
    check_headers(headers)
    return replace(table, headers=headers, rows=limited(chain(first, records)))


def filled(records: Iterable[Record]) -> Iterator[Record]:
    """Drop lines and trailing cells with nothing in them."""
    for line, cells in records:
        while cells and not cells[-1].strip(INVISIBLE):
            cells.pop()
        if cells:
            yield line, [uncover(cell) if cell[:1] == "'" else cell for cell in cells]


def check_headers(headers: list[str]) -> None:
    limit = settings.IMPORT_COLUMNS_LIMIT
    if not headers:
        raise BadFile(_("The file is empty. Put the column names on the first line and the clients below it."))
    if len(headers) > limit:
        params = {"limit": limit, "count": len(headers)}
        raise BadFile(
            _("The file has %(count)s columns; at most %(limit)s are read. Delete the others."), params=params
        )
    seen: set[str] = set()
    for header in filter(None, headers):
        if header.casefold() in seen:
            message = _("The column “%(name)s” is repeated. Keep one column of this name.")
            raise BadFile(message, params={"name": header[:100]})
        seen.add(header.casefold())


def limited(records: Iterable[Record]) -> Iterator[Record]:
    limit = settings.IMPORT_ROWS_LIMIT
    for count, record in enumerate(records, 1):
        if count > limit:
            raise BadFile(_("The file has more than %(limit)s rows. Split it."), params={"limit": limit})
        yield record
