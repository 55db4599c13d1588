"""Reads XML as a stream, within bounds: no entities, no endless tag, no crowd of tags with nothing in them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO, NoReturn
from xml.parsers import expat
from zipfile import BadZipFile

from django.utils.translation import gettext_lazy as _

from mailings.formats.table import BadFile

CHUNK = 64 * 1024
# expat keeps an unfinished tag in memory, however long it is.
TAG_LIMIT = 1024 * 1024
# A sheet that is formatted far beyond its rows has a few hundred thousand; half a million are read within a second.
EMPTY_LIMIT = 500_000
# All tags of a workbook together have a few hundred names.
NAMES_LIMIT = 1000
# RuntimeError: encrypted; NotImplementedError: a compression that Python does not know.
READING_FAULTS = (BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)
TOO_LARGE = _("The workbook is too large when unpacked. Copy the list into a new workbook, or save it as CSV.")
DAMAGED = _("The workbook is damaged. Open it in Excel, save it again as .xlsx and upload that.")


class LocalNames(dict[str, str]):
    """Names of tags without the prefix that some programs give them: “x:row” is a row."""

    def __missing__(self, name: str) -> str:
        if len(self) > NAMES_LIMIT:
            raise BadFile(DAMAGED)
        self[name] = local = name.rpartition(":")[2]
        return local


class Handler:
    """Is told of tags and characters; `text` gathers the characters while `is_text`, no more than `limit` or so."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.names = LocalNames()
        self.is_text = False
        self.text = ""
        self.empty = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, name: str) -> None:
        raise NotImplementedError

    def data(self, text: str) -> None:
        if self.is_text and len(self.text) <= self.limit:
            self.text += text

    def count_empty(self) -> None:
        """:raises BadFile: there are too many of them to be meant."""
        self.empty += 1
        if self.empty > EMPTY_LIMIT:
            raise BadFile(TOO_LARGE)


def parse(source: IO[bytes], handler: Handler) -> Iterator[None]:
    """Feed a document to the handler, and give the turn back after each chunk, so that rows can be taken as they come.

    :raises BadFile: it is broken, or made to harm.
    """
    parser = make_parser(handler)
    fed = 0
    try:
        while chunk := source.read(CHUNK):
            fed += len(chunk)
            parser.Parse(chunk, False)
            if fed - parser.CurrentByteIndex > TAG_LIMIT:
                raise BadFile(TOO_LARGE)
            yield
        parser.Parse(b"", True)
    except (expat.ExpatError, *READING_FAULTS) as error:
        raise BadFile(DAMAGED) from error
    yield


def make_parser(handler: Handler) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.data
    # A workbook has no document type, and entities, which can multiply themselves, are declared nowhere else.
    parser.StartDoctypeDeclHandler = refuse
    return parser


def refuse(*_: object) -> NoReturn:
    raise BadFile(DAMAGED)
