"""Finds out where in an HTML text a placeholder stands, and refuses the places that no escaping makes safe."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from mailings.sending.render import Placeholder, Template, TemplateError, compile_template

_ATTRIBUTE_NAME: Final = re.compile(r"""([^\s"'<>/=]+)\s*=\s*\Z""")
# Outlook reads what its conditional comments hold, so that is markup here too.
_MARKUP: Final = re.compile(r"<!--(?!\[if)|<(?=[A-Za-z/!?]|\Z)")
_TAG_NAME: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]*)")
_IN_TAG: Final = re.compile(r"""["'>]""")
_RAW_TAGS: Final = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})


class MisplacedPlaceholder(TemplateError):
    """A placeholder stands where a value could do harm; ``place`` is such as ``a[title]``, ``<td>`` or ``<style>``."""

    def __init__(self, name: str, place: str, text: str, position: int) -> None:
        self.name = name
        self.place = place
        super().__init__(f"placeholder {name} in {place}", text, position)


def check_html(text: str, fields: Mapping[str, str], url_fields: Collection[str]) -> Template:
    """Compile an HTML template and see that every placeholder stands in a safe place.

    Between tags any field may stand; inside a tag only the addresses we make ourselves, and only in a quoted attribute;
    in a style or a script none (security.md 2.1).

    :param url_fields: canonical keys of the fields allowed in attributes.
    :raises MisplacedPlaceholder: naming the place.
    :raises TemplateError: as :func:`mailings.sending.render.compile_template` does.
    """
    template = compile_template(text, fields)
    scanner = _Scanner(text)
    for placeholder in template.placeholders:
        _check(scanner, placeholder, url_fields)
    return template


def _check(scanner: "_Scanner", placeholder: Placeholder, url_fields: Collection[str]) -> None:
    scanner.advance(placeholder.start)
    is_allowed = scanner.is_quoted and placeholder.key in url_fields
    if scanner.place and not is_allowed:
        raise MisplacedPlaceholder(placeholder.key, scanner.place, scanner.text, placeholder.start)
    scanner.skip(placeholder.end)


class _Scanner:
    """Walks through HTML as a browser's tokenizer does, and stops before each placeholder; linear in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = ""
        self.is_quoted = False
        self._position = 0
        self._tag = ""
        self._step: Callable[[int], int] = self._in_text
        self._closing = ""

    def advance(self, end: int) -> None:
        """Read up to a position; ``place`` then says in what markup it lies, and is empty between tags."""
        while self._position < end:
            self._position = self._step(end)

    def skip(self, position: int) -> None:
        """Go on after a placeholder."""
        self._position = position

    def _in_text(self, end: int) -> int:
        match = _MARKUP.search(self.text, self._position, end)
        if match is None:
            return end
        if match[0] == "<!--":
            return self._enter(self._in_raw, "", match.end() - 2, closing="--!?>")  # "<!-->" is a whole comment
        name = _TAG_NAME.match(self.text, match.start(), end)
        self._tag = name[0][1:].lower() if name else ""
        return self._enter(self._in_tag, f"<{self._tag}>", name.end() if name else match.end())

    def _in_tag(self, end: int) -> int:
        match = _IN_TAG.search(self.text, self._position, end)
        if match is None:
            return end
        if match[0] != ">":
            attribute = _ATTRIBUTE_NAME.search(self.text[max(0, match.start() - 80) : match.start()])
            place = f"{self._tag}[{attribute[1].lower()}]" if attribute else f"<{self._tag}>"
            self.is_quoted = attribute is not None
            return self._enter(self._in_quotes, place, match.end(), closing=match[0])
        if self._tag in _RAW_TAGS:
            return self._enter(self._in_raw, f"<{self._tag}>", match.end(), closing=f"</{self._tag}\\b")
        return self._enter(self._in_text, "", match.end())

    def _in_quotes(self, end: int) -> int:
        found = self.text.find(self._closing, self._position, end)
        if found < 0:
            return end
        self.is_quoted = False
        return self._enter(self._in_tag, f"<{self._tag}>", found + 1)

    def _in_raw(self, end: int) -> int:
        match = re.compile(self._closing, re.IGNORECASE).search(self.text, self._position, end)
        return end if match is None else self._enter(self._in_text, "", match.start() if self.place else match.end())

    def _enter(self, step: Callable[[int], int], place: str, position: int, closing: str = "") -> int:
        self._step, self.place, self._closing = step, place, closing
        return position
