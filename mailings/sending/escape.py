"""Makes a client's value harmless for the place it is put in; decides nothing about which values go where."""

import re
from typing import Final

MAX_HEADER_VALUE: Final = 200

_SURROGATES: Final = range(0xD800, 0xE000)  # JSON can carry a lone one; UTF-8 cannot
_CONTROLS: Final = (*range(0x20), *range(0x7F, 0xA0))
# Zero-width signs, and the marks that turn the direction of what is read (security.md 2.3).
_UNSEEN: Final = (
    *(0xAD, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x206A),
)
_LINE_ENDS: Final = (0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F, 0x85, 0x2028, 0x2029)

_TEXT: Final = dict.fromkeys(code for code in (*_CONTROLS, *_SURROGATES) if code not in (0x09, 0x0A))
_HTML: Final[dict[int, str | None]] = {
    **_TEXT,
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("'"): "&#x27;",
}
_HEADER: Final[dict[int, str | None]] = {
    **dict.fromkeys((*_CONTROLS, *_SURROGATES, *_UNSEEN)),
    **dict.fromkeys(_LINE_ENDS, " "),
}
_MARKUP: Final = re.compile(r"[&<>\"']")
_NEEDS_HTML: Final = re.compile(r"[&<>\"'\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NEEDS_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def is_plain(value: str) -> bool:
    """Tell whether the value stands in text and in HTML as it is: on one line, with nothing to escape or leave out."""
    return value.isprintable() and not _MARKUP.search(value)


def escape_text(value: str) -> str:
    """Return the value for a plain text body: control characters out, except tabs and line ends."""
    return value.translate(_TEXT) if _NEEDS_TEXT.search(value) else value


def escape_html(value: str) -> str:
    """Return the value for HTML text or a quoted attribute; both kinds of quotes are escaped."""
    return value.translate(_HTML) if _NEEDS_HTML.search(value) else value


def clean_header(value: str) -> str:
    """Return the value as one line: control, zero-width and bidirectional characters out, white space collapsed."""
    if value.isprintable() and "  " not in value:  # no white space but the space is printable, nor anything unseen
        return value.strip()
    return " ".join(value.translate(_HEADER).split())


def escape_header(value: str) -> str:
    """Return the value for a subject or a display name: as :func:`clean_header`, cut at 200 characters."""
    return clean_header(value)[:MAX_HEADER_VALUE].rstrip()


def shortened(value: str) -> str:
    """Return a value whose clean form is that of :func:`escape_header`, for a header that is cleaned as a whole."""
    return value if len(value) <= MAX_HEADER_VALUE else escape_header(value)
