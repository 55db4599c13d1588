"""The texts of a workbook, which keeps each of them once and apart from the sheets. Packed: there may be millions."""

from __future__ import annotations

import re
from array import array
from typing import IO

from mailings.formats.table import BadFile
from mailings.formats.xml import DAMAGED, TOO_LARGE, Handler, parse

BYTES_LIMIT = 64 * 1024 * 1024
COUNT_LIMIT = 4_000_000
# How a workbook writes what XML cannot say (ECMA-376 part 1, 22.9.2.19).
ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


class SharedStrings:
    """A million texts take the room of their letters and four bytes each."""

    def __init__(self) -> None:
        self.letters = bytearray()
        self.ends = array("I")

    def add(self, text: str) -> None:
        """:raises BadFile: they would fill the memory."""
        self.letters += text.encode("utf-8", "replace")
        self.ends.append(len(self.letters))
        if len(self.letters) > BYTES_LIMIT or len(self.ends) > COUNT_LIMIT:
            raise BadFile(TOO_LARGE)

    def __getitem__(self, place: int) -> str:
        """:raises BadFile: the sheet names a text that is not there."""
        if not 0 <= place < len(self.ends):
            raise BadFile(DAMAGED)
        begin = self.ends[place - 1] if place else 0
        return self.letters[begin : self.ends[place]].decode()


class StringsHandler(Handler):
    def __init__(self, strings: SharedStrings, limit: int) -> None:
        super().__init__(limit)
        self.strings = strings
        self.is_spoken = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = self.names[name]
        if local == "t":
            self.is_text = not self.is_spoken
        elif local == "rPh":  # how Japanese is pronounced
            self.is_spoken = True

    def end(self, name: str) -> None:
        local = self.names[name]
        if local == "t":
            self.is_text = False
        elif local == "rPh":
            self.is_spoken = False
        elif local == "si":
            if not self.text:
                self.count_empty()
            self.strings.add(unescape(self.text))
            self.text = ""


def escape(text: str) -> str:
    """Keep a text apart that only looks like an escape."""
    return LOOKS_ESCAPED.sub("_x005F_", text) if "_x" in text else text


def unescape(text: str) -> str:
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def read_strings(source: IO[bytes], limit: int) -> SharedStrings:
    """:raises BadFile: they are broken or too many."""
    strings = SharedStrings()
    for _turn in parse(source, StringsHandler(strings, limit)):
        pass
    return strings
