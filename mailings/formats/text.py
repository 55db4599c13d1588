"""Reads CSV: recognises its encoding and delimiter, keeps the line numbers, refuses what is no text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import IO, TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from mailings.formats.table import BadFile, Reading, Record, Table

if TYPE_CHECKING:
    import _csv

DELIMITERS = ";,\t"
SEP_LINE = re.compile(r"\ufeff?sep=([^\r\n])[\r\n]", re.IGNORECASE)
SAMPLE = 64 * 1024
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# As people call them. The first three are recognised; the others look like the third and have to be chosen.
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "cp1251": "Windows-1251",
    "cp866": "DOS (CP866)",
    "koi8-r": "KOI8-R",
    "mac-cyrillic": "Mac Cyrillic",
}
NOT_TEXT = re.compile(rb"\x89PNG|%PDF-|GIF8|\xff\xd8\xff|\x1f\x8b|Rar!|7z\xbc\xaf|\{\\rtf")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
# Nobody's line, and more than a hundred of them would be too much for the memory.
LINE_LIMIT = 1_000_000


def read_text(file: IO[bytes], name: str, reading: Reading) -> Table:
    """:raises BadFile: it is no text, or not in this encoding, or has a delimiter we do not know."""
    encoding = reading.encoding or detect_encoding(file)
    if reading.encoding and not decodes(file, encoding):
        message = _("The file is not written in %(encoding)s. Choose another encoding.")
        raise BadFile(message, params={"encoding": ENCODINGS[encoding]})
    sample = read_sample(file, encoding) if encoding else ""
    if not encoding or len(CONTROL.findall(sample)) > max(3, len(sample) // 50):
        message = _("“%(name)s” is not a text file. Save the list as CSV UTF-8 or as an Excel workbook (.xlsx).")
        raise BadFile(message, params={"name": name[:100]})
    delimiter = reading.delimiter or detect_delimiter(sample)
    rows = read_records(file, encoding, delimiter, has_sep_line=bool(SEP_LINE.match(sample)))
    return Table("csv", [], rows, encoding=encoding, delimiter=delimiter)


def detect_encoding(file: IO[bytes]) -> str:
    """Find the encoding by the mark at the start, else by trying: what is not UTF-8 all through is Windows-1251.

    Returns nothing for what is text in none of them.
    """
    file.seek(0)
    head = file.read(8)
    if NOT_TEXT.match(head):
        return ""
    marked = [encoding for bom, encoding in BOMS.items() if head.startswith(bom)]
    return next((encoding for encoding in marked or ("utf-8-sig", "cp1251") if decodes(file, encoding)), "")


def decodes(file: IO[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while chunk := file.read(SAMPLE):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:  # UTF-16 without its mark raises more than UnicodeDecodeError
        return False
    return True


def read_sample(file: IO[bytes], encoding: str) -> str:
    file.seek(0)
    return codecs.getincrementaldecoder(encoding)().decode(file.read(SAMPLE))


def detect_delimiter(sample: str) -> str:
    """Choose the delimiter that cuts the first line into columns and most of the next lines into as many.

    :raises BadFile: it is another one.
    """
    sep_line = SEP_LINE.match(sample)
    best = sep_line[1] if sep_line else max(DELIMITERS, key=lambda delimiter: fitness(sample, delimiter))
    is_piped = not fitness(sample, best)[0] and fitness(sample, "|")[0]
    if best not in DELIMITERS or is_piped:
        raise BadFile(_("The columns must be separated by a comma, a semicolon or a tab. Save the file so."))
    return best


def fitness(sample: str, delimiter: str) -> tuple[bool, float, int]:
    lines = io.StringIO(sample, newline="")
    records = filter(any, csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    widths = [len(record) for record in islice(records, 20)]
    if not widths:  # nothing but blank lines, if this is the delimiter
        return True, 1.0, 0
    return widths[0] > 1, widths.count(widths[0]) / len(widths), widths[0]


class KeptOpen(io.TextIOWrapper):
    """Does not close the file under it, which is not ours."""

    def close(self) -> None:
        pass


def read_records(file: IO[bytes], encoding: str, delimiter: str, *, has_sep_line: bool) -> Iterator[Record]:
    """Read the records with the number of the line each starts on."""
    file.seek(0)
    # An uploaded file of Django's is a wrapper; TextIOWrapper wants the thing itself.
    text = KeptOpen(getattr(file, "file", file), encoding, newline="")
    reader = csv.reader(read_lines(text), delimiter=delimiter, skipinitialspace=True, strict=True)
    if has_sep_line:
        next(reader)
    yield from numbered(reader)


def read_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Read line by line, so that a file without line ends is not read into the memory as one."""
    count = 0
    while line := text.readline(LINE_LIMIT):
        count += 1
        if len(line) == LINE_LIMIT:
            message = _("Line %(line)s is longer than %(limit)s characters. Save the list with each client on a line.")
            raise BadFile(message, params={"line": count, "limit": LINE_LIMIT})
        yield line


def numbered(reader: _csv.Reader) -> Iterator[Record]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # strict: else an unclosed quote would swallow the rest of the file without a word
            message = _("Broken quote, line %(line)s. Close it, and write a quote inside a quoted cell twice.")
            raise BadFile(message, params={"line": line}) from error
        yield line, cells
