"""Fills ``{{ field | fallback }}`` into a text, in one pass. It has no logic, filters or attributes, and never will.

Django's engine is not for users' texts: ``{{ client.owner.password }}`` works there, and nested loops run for ever.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mailings.sending.escape import escape_header, escape_html, escape_text

__all__ = [
    "BrokenPlaceholder",
    "Placeholder",
    "Template",
    "TemplateError",
    "UnknownPlaceholder",
    "compile_template",
    "escape_header",
    "escape_html",
    "escape_text",
    "filled",
]

MAX_PLACEHOLDER: Final = 300

_ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_UNSEEN: Final = dict.fromkeys(map(ord, _ZERO_WIDTH))
_ENTITY_SPACE: Final = re.compile(r"&nbsp;|&#160;|&#xa0;", re.IGNORECASE)
_NOT_INSIDE: Final = re.compile(r"[{}<>]")
# "{ {имя}}": somebody meant a placeholder. Bounded runs keep the search linear on any text.
_SPLIT_BRACES: Final = re.compile(
    rf"\{{(?:[ \t\xa0{_ZERO_WIDTH}]|&nbsp;){{1,8}}\{{[^{{}}\n]{{0,{MAX_PLACEHOLDER}}}\}}[ \t\xa0]{{0,8}}\}}",
    re.IGNORECASE,
)


class TemplateError(ValueError):
    """The text cannot be used as a template; ``line`` and ``column`` count from 1."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        super().__init__(problem)
        self.line = text.count("\n", 0, position) + 1
        self.column = position - text.rfind("\n", 0, position)


class BrokenPlaceholder(TemplateError):
    """A placeholder is not closed, is empty, or has markup or braces in it; ``excerpt`` shows its beginning."""

    def __init__(self, text: str, position: int) -> None:
        self.excerpt = text[position : position + 40].partition("\n")[0]
        super().__init__(f"broken placeholder: {self.excerpt}", text, position)


class UnknownPlaceholder(TemplateError):
    """No field has this name; ``suggestion`` is the nearest spelling, or empty."""

    def __init__(self, name: str, suggestion: str, text: str, position: int) -> None:
        self.name = name
        self.suggestion = suggestion
        super().__init__(f"unknown placeholder: {name}", text, position)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place to be filled: the canonical key, what stands there for a blank value, and its span in the source."""

    key: str
    fallback: str
    start: int
    end: int

    def fill(self, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
        """Return the escaped value, or the fallback: its author wrote it as part of the text, so it is not escaped."""
        return escape(values[self.key]) if self.key in values else self.fallback


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text; ``fields`` are the canonical keys it asks for."""

    parts: tuple[str | Placeholder, ...]
    fields: frozenset[str]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """The places to be filled, in the order of the text."""
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    def missing(self, values: Mapping[str, str]) -> frozenset[str]:
        """Return the keys that are blank here and have no fallback."""
        bare = {part.key for part in self.placeholders if not part.fallback}
        return frozenset(key for key in bare if not _trimmed(values.get(key, "")))

    def render(self, values: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
        """Return the text with every place filled; what a value contains is never read as a placeholder."""
        return self.join(filled(values, self.fields), escape)

    def join(self, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
        """Return the same from values as :func:`filled` leaves them: trimmed, and none of them blank."""
        return "".join([part if isinstance(part, str) else part.fill(values, escape) for part in self.parts])


def compile_template(text: str, fields: Mapping[str, str]) -> Template:
    """Read a text once, so that filling it is a join.

    :param fields: every accepted spelling of a name (case does not matter) and the canonical key it stands for.
    :raises UnknownPlaceholder: for a name that ``fields`` has not got.
    :raises BrokenPlaceholder: for ``{{name``, ``{ {name}}``, ``{{<b>name</b>}}`` and their like.
    """
    names = {_tidy(spelling).casefold(): key for spelling, key in fields.items()}
    split = _SPLIT_BRACES.search(text)
    if split is not None:
        raise BrokenPlaceholder(text, split.start())
    parts: list[str | Placeholder] = []
    position = 0
    while (opening := text.find("{{", position)) >= 0:
        parts.append(text[position:opening])
        if text.startswith("{{{{", opening):
            parts.append("{{")
            position = opening + 4
            continue
        placeholder = _read(text, opening, names)
        parts.append(placeholder)
        position = placeholder.end
    parts.append(text[position:])
    return Template(_joined(parts), frozenset(part.key for part in parts if isinstance(part, Placeholder)))


def filled(values: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """Return those of the keys that are not blank, with their values trimmed."""
    return {key: value for key in keys if key in values and (value := _trimmed(values[key]))}


def _read(text: str, opening: int, names: Mapping[str, str]) -> Placeholder:
    closing = text.find("}}", opening, opening + MAX_PLACEHOLDER)
    inside = text[opening + 2 : closing]
    if closing < 0 or _NOT_INSIDE.search(inside):
        raise BrokenPlaceholder(text, opening)
    name, _, fallback = (_tidy(piece) for piece in inside.partition("|"))
    if not name:
        raise BrokenPlaceholder(text, opening)
    key = names.get(name.casefold())
    if key is None:
        near = difflib.get_close_matches(name.casefold(), names, 1)
        raise UnknownPlaceholder(name, near[0] if near else "", text, opening)
    return Placeholder(key, fallback, opening, closing + 2)


def _tidy(piece: str) -> str:
    """Return the piece as it was meant: editors put no-break and zero-width spaces where nobody sees them."""
    return " ".join(_ENTITY_SPACE.sub(" ", piece).translate(_UNSEEN).split())


def _trimmed(value: str) -> str:
    trimmed = value.strip()
    return trimmed if trimmed.isprintable() or trimmed.strip(_ZERO_WIDTH) else ""  # nothing unseen is printable


def _joined(parts: list[str | Placeholder]) -> tuple[str | Placeholder, ...]:
    """Return the parts with neighbouring texts made one, so that a letter is joined from as few pieces as can be."""
    joined: list[str | Placeholder] = []
    run: list[str] = []
    for part in (*parts, None):
        if isinstance(part, str):
            run.append(part)
            continue
        if text := "".join(run):
            joined.append(text)
        run.clear()
        if part is not None:
            joined.append(part)
    return tuple(joined)
