"""Encodes a filled text as base64 (RFC 2045 6.8), so that a letter costs no more than its own values.

The texts between placeholders are encoded once, in the three alignments that base64 can meet them in; a letter then
joins ready blocks and encodes only what is new. Base64 and not quoted-printable: Cyrillic grows by a third instead of
three times, and neither a line's length nor a dot at its start can matter any more (email.md 1.4).
"""

from binascii import b2a_base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from mailings.sending.render import Placeholder, Template

LINE: Final = 57  # octets that make a full line
LINE_CHARS: Final = 76  # RFC 2045 6.8
SHORTEST_RUN: Final = 2 * LINE  # below that, encoding afresh costs less than the joins


def encoded(octets: bytes) -> bytes:
    """Return base64 in lines of 76 characters, each ended by CRLF; nothing for nothing."""
    text = b2a_base64(octets, newline=False)
    if len(text) <= LINE_CHARS:
        return text + b"\r\n" if text else b""
    return b"\r\n".join([text[start : start + LINE_CHARS] for start in range(0, len(text), LINE_CHARS)]) + b"\r\n"


@dataclass(frozen=True, slots=True)
class _Alignment:
    """A run that begins ``len(head)`` octets into its text: those join what came before, ``tail`` what comes after."""

    head: bytes
    block: bytes
    tail: bytes

    @classmethod
    def of(cls, octets: bytes, shift: int) -> Self:
        end = len(octets) - (len(octets) - shift) % LINE
        return cls(octets[:shift], encoded(octets[shift:end]), octets[end:])


_Run = tuple[_Alignment, _Alignment, _Alignment]


class Body:
    """A text body, prepared once per frame."""

    __slots__ = ("_escape", "_pieces")

    def __init__(self, template: Template, escape: Callable[[str], str]) -> None:
        self._escape = escape
        self._pieces = tuple(_prepared(part) for part in template.parts)

    @property
    def is_personal(self) -> bool:
        """Whether any letter may differ from the next."""
        return any(isinstance(piece, Placeholder) for piece in self._pieces)

    def fill(self, values: Mapping[str, str]) -> bytes:
        """Return the body of one letter, encoded, with CRLF line ends inside and out."""
        blocks: list[bytes] = []
        loose = b""
        for piece in self._pieces:
            if isinstance(piece, tuple):
                run = piece[-len(loose) % 3]
                blocks += (encoded(loose + run.head), run.block)
                loose = run.tail
            elif isinstance(piece, bytes):
                loose += piece
            else:
                loose += _octets(piece.fill(values, self._escape))
        blocks.append(encoded(loose))
        return b"".join(blocks)


def _prepared(part: str | Placeholder) -> _Run | bytes | Placeholder:
    if isinstance(part, Placeholder):
        return part
    octets = _octets(part)
    if len(octets) < SHORTEST_RUN:
        return octets
    return _Alignment.of(octets, 0), _Alignment.of(octets, 1), _Alignment.of(octets, 2)


def _octets(text: str) -> bytes:
    if "\n" in text or "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")  # RFC 2046 4.1.1
    return text.encode("utf-8", "replace")
