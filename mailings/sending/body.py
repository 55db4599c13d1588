"""Encodes a filled text as base64 (RFC 2045 6.8), so that a letter costs no more than its own values.

The long texts between placeholders are encoded once, in the three alignments that base64 can meet them in; a letter
then joins ready blocks, and encodes its values and the short texts about them in one go. Base64 and not
quoted-printable: Cyrillic grows by a third instead of three times, and neither a line's length nor a dot at its start
can matter any more (email.md 1.4).
"""

from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from struct import Struct
from typing import Final, NamedTuple, Self

from mailings.sending.render import Placeholder, Template, filled

LINE: Final = 57  # octets that make a full line
LINE_CHARS: Final = 76  # RFC 2045 6.8
MOST_SPLIT_AT_ONCE: Final = 256  # lines
SHORTEST_RUN: Final = 4 * LINE  # below that, encoding afresh costs less than the joins

Escape = Callable[[str], str]


def encoded(octets: bytes) -> bytes:
    """Return base64 in lines of 76 characters, each ended by CRLF; nothing for nothing."""
    if not octets:
        return b""
    text = b2a_base64(octets, newline=False)
    return b"\r\n".join(_splitter(len(text))(text)) + b"\r\n"


@lru_cache(maxsize=1024)
def _splitter(length: int) -> Callable[[bytes], Iterable[bytes]]:
    """Return what cuts a text of this length into lines: in one call where it can be, three times as fast as slices."""
    full, rest = divmod(length, LINE_CHARS)
    if full >= MOST_SPLIT_AT_ONCE:
        return _slices
    return Struct(f"{LINE_CHARS}s" * full + f"{rest}s" * bool(rest)).unpack


def _slices(text: bytes) -> list[bytes]:
    return [text[start : start + LINE_CHARS] for start in range(0, len(text), LINE_CHARS)]


class _Alignment(NamedTuple):
    """A run that begins ``len(head)`` octets into its text: those join what came before, ``tail`` what comes after."""

    head: bytes
    block: bytes
    tail: bytes

    @classmethod
    def of(cls, octets: bytes, shift: int) -> Self:
        end = len(octets) - (len(octets) - shift) % LINE
        return cls(octets[:shift], encoded(octets[shift:end]), octets[end:])


_Run = tuple[_Alignment, _Alignment, _Alignment]
_Pick = Callable[[Mapping[str, bytes]], object]


class _Stretch:
    """What is encoded afresh for each letter, between two runs: short texts, and places to be filled."""

    __slots__ = ("_fallbacks", "_form", "_pick")

    def __init__(self, parts: Sequence[str | Placeholder]) -> None:
        places = [part for part in parts if isinstance(part, Placeholder)]
        forms = [_octets(part).replace(b"%", b"%%") if isinstance(part, str) else b"%b" for part in parts]
        self._form = b"".join(forms)
        self._fallbacks = tuple((place.key, _octets(place.fallback)) for place in places)
        self._pick: _Pick = itemgetter(*(place.key for place in places)) if places else _nothing

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        try:
            return self._form % self._pick(values)
        except KeyError:  # a value is missing, and its fallback goes there
            return self._form % tuple([values.get(key, fallback) for key, fallback in self._fallbacks])


class Body:
    """A text body, prepared once per frame; ``escape`` is what its values must have been through."""

    __slots__ = ("_last", "_runs", "_template", "escape")

    def __init__(self, template: Template, escape: Escape) -> None:
        self.escape = escape
        self._template = template
        self._runs: list[tuple[_Stretch, _Run]] = []
        pending: list[str | Placeholder] = []
        for part in template.parts:
            octets = _octets(part) if isinstance(part, str) else b""
            if len(octets) < SHORTEST_RUN:
                pending.append(part)
            else:
                run = _Alignment.of(octets, 0), _Alignment.of(octets, 1), _Alignment.of(octets, 2)
                self._runs.append((_Stretch(pending), run))
                pending = []
        self._last = _Stretch(pending)

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
        for stretch, run in self._runs:
            loose += stretch.fill(values)
            head, block, tail = run[-len(loose) % 3]
            blocks += (encoded(loose + head), block)
            loose = tail
        return b"".join((*blocks, encoded(loose + self._last.fill(values))))


def in_octets(values: Mapping[str, str], escape: Escape) -> dict[str, bytes]:
    """Return values, trimmed and none of them blank, as they stand in a body before it is encoded."""
    return {key: _octets(escape(value)) for key, value in values.items()}


def _nothing(_values: Mapping[str, bytes]) -> tuple[()]:
    return ()


def _octets(text: str) -> bytes:
    if "\n" in text or "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")  # RFC 2046 4.1.1
    return text.encode("utf-8", "replace")
