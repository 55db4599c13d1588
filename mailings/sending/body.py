"""Encodes a filled text as base64 (RFC 2045 6.8), so that a letter costs no more than its own values.

The long texts between placeholders are encoded once, in the three alignments that base64 can meet them in; a letter
then joins ready blocks, and encodes its values and the short texts about them in one go. Base64 and not
quoted-printable: Cyrillic grows by a third instead of three times, and neither a line's length nor a dot at its start
can matter any more (email.md 1.4).
"""

from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Final, Self

from mailings.sending.render import Placeholder, Template, filled

LINE: Final = 57  # octets that make a full line
LINE_CHARS: Final = 76  # RFC 2045 6.8
MOST_SPLIT_AT_ONCE: Final = 256  # lines
SHORTEST_RUN: Final = 4 * LINE  # below that, encoding afresh costs less than the joins

Escape = Callable[[str], str]


def encoded(octets: bytes) -> bytes:
    """Return base64 in lines of 76 characters, each ended by CRLF; nothing for nothing."""
    text = b2a_base64(octets, newline=False)
    if len(text) <= LINE_CHARS:
        return text + b"\r\n" if text else b""
    full, rest = divmod(len(text), LINE_CHARS)
    if full > MOST_SPLIT_AT_ONCE:
        return b"\r\n".join([text[start : start + LINE_CHARS] for start in range(0, len(text), LINE_CHARS)]) + b"\r\n"
    lines = _splitter(full).unpack_from(text)
    return b"\r\n".join((*lines, text[-rest:], b"") if rest else (*lines, b""))


@lru_cache(maxsize=MOST_SPLIT_AT_ONCE)
def _splitter(lines: int) -> Struct:
    """Return what cuts so many lines off a text in one call: three times as fast as slices."""
    return Struct(f"{LINE_CHARS}s" * lines)


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


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What is encoded afresh for each letter, up to the next run; only the last stretch has none after it.

    ``pieces`` are short texts and, at ``holes``, the fallbacks of the keys that belong there.
    """

    pieces: tuple[bytes, ...]
    holes: tuple[tuple[int, str], ...]
    run: _Run | None

    @classmethod
    def of(cls, parts: Sequence[str | Placeholder], run: _Run | None) -> Self:
        pieces = tuple(_octets(part.fallback if isinstance(part, Placeholder) else part) for part in parts)
        holes = tuple((place, part.key) for place, part in enumerate(parts) if isinstance(part, Placeholder))
        return cls(pieces, holes, run)

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        pieces = list(self.pieces)
        for place, key in self.holes:
            if key in values:
                pieces[place] = values[key]
        return b"".join(pieces)


class Body:
    """A text body, prepared once per frame; ``escape`` is what its values must have been through."""

    __slots__ = ("_stretches", "_template", "escape")

    def __init__(self, template: Template, escape: Escape) -> None:
        self.escape = escape
        self._template = template
        self._stretches = tuple(_stretches(template.parts))

    @property
    def is_personal(self) -> bool:
        """Whether any letter may differ from the next."""
        return bool(self._template.fields)

    def fill(self, values: Mapping[str, str]) -> bytes:
        """Return the body of one letter, encoded, with CRLF line ends inside and out."""
        return self.join(in_octets(filled(values, self._template.fields), self.escape))

    def join(self, values: Mapping[str, bytes]) -> bytes:
        """Return the same from values that are in octets already, as :func:`in_octets` makes them."""
        blocks: list[bytes] = []
        loose = b""
        for stretch in self._stretches:
            loose += stretch.fill(values)
            if stretch.run is not None:
                run = stretch.run[-len(loose) % 3]
                blocks += (encoded(loose + run.head), run.block)
                loose = run.tail
        blocks.append(encoded(loose))
        return b"".join(blocks)


def in_octets(values: Mapping[str, str], escape: Escape) -> dict[str, bytes]:
    """Return values, trimmed and none of them blank, as they stand in a body before it is encoded."""
    return {key: _octets(escape(value)) for key, value in values.items()}


def _stretches(parts: Iterable[str | Placeholder]) -> Iterator[_Stretch]:
    pending: list[str | Placeholder] = []
    for part in parts:
        octets = _octets(part) if isinstance(part, str) else b""
        if len(octets) < SHORTEST_RUN:
            pending.append(part)
        else:
            yield _Stretch.of(pending, (_Alignment.of(octets, 0), _Alignment.of(octets, 1), _Alignment.of(octets, 2)))
            pending = []
    yield _Stretch.of(pending, None)


def _octets(text: str) -> bytes:
    if "\n" in text or "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")  # RFC 2046 4.1.1
    return text.encode("utf-8", "replace")
