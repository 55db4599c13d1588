"""Writes header fields that every server and reader takes: ASCII, folded, no control character (RFC 5322, RFC 2047).

The e-mail package of the standard library is not used for it: it loses spaces between Cyrillic words of a subject and
turns List-Unsubscribe into encoded words (email.md 0.5, 0.6).
"""

import re
from binascii import b2a_base64
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote

from mailings.sending.escape import clean_header

MAX_LINE: Final = 78  # RFC 5322 2.1.1: what a line should keep to, without CRLF
LONGEST_LINE: Final = 998  # RFC 5322 2.1.1: what it must keep to
MAX_ENCODED_WORD: Final = 75  # RFC 2047 2
MAX_ENCODED_LINE: Final = 76  # RFC 2047 2
MAX_EXTENSION: Final = 16
MAX_FILE_NAME: Final = 240  # octets of UTF-8: 720 when percent-encoded, below the 998 of a line

_WRAPPING: Final = len("=?utf-8?b??=")
_WORD_OCTETS: Final = (MAX_ENCODED_WORD - _WRAPPING) // 4 * 3
_BETWEEN_WORDS: Final = "?=\r\n =?utf-8?b?"
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_QUOTED: Final = re.compile(r'(["\\])')
_SAFE_ADDRESS: Final = re.compile(r"[!#-'*+\--9=?A-Z^-~]{1,64}@[A-Za-z0-9.-]{1,253}")
_UNSAFE_IN_NAME: Final = re.compile(r"[^\w.()+,=@ -]|[^\x20-\x7e]")


class BadHeader(ValueError):
    """A value that would break the header it is meant for; the name of the field is the message."""


def field(name: str, value: str) -> str:
    """Return one header line of a value that must already be ASCII, unfolded and complete.

    :raises BadHeader: for a control character, a letter outside ASCII or a line above 998 octets (RFC 5322 2.1.1).
    """
    if _FORBIDDEN.search(value) or not value.isascii() or len(name) + len(value) + 2 > LONGEST_LINE:
        raise BadHeader(name)
    return f"{name}: {value}\r\n"


def date_field(moment: datetime) -> str:
    """Return the Date line with the zone the moment carries (RFC 5322 3.3).

    :raises BadHeader: when it carries none.
    """
    if moment.utcoffset() is None:
        raise BadHeader("Date")
    return field("Date", format_datetime(moment))


def subject_field(value: str) -> str:
    """Return the Subject line, in encoded words where it must be and folded where it is long."""
    return f"Subject: {_unstructured(clean_header(value), len('Subject: '))}\r\n"


def mailbox_field(name: str, display_name: str, address: str) -> str:
    """Return a From, To or Reply-To line with exactly one mailbox.

    :raises BadHeader: when the address could be read as more than one, or as something else.
    """
    if not is_safe_address(address):
        raise BadHeader(name)
    phrase = _phrase(clean_header(display_name), len(name) + 2)
    return f"{name}: {phrase} <{address}>\r\n" if phrase else field(name, address)


def is_safe_address(address: str) -> bool:
    """Tell whether an address can stand between angle brackets in a header or a command: printable ASCII, one ``@``."""
    return _SAFE_ADDRESS.fullmatch(address) is not None


def file_name_parameters(raw: str) -> str:
    """Return ``filename`` parameters: as RFC 2231 has it, and plain ASCII after it for readers that know no better."""
    name = _short_name(clean_header(raw).replace("/", "_").replace("\\", "_")) or "attachment"
    plain = _UNSAFE_IN_NAME.sub("_", name)
    if plain == name:
        return f'; filename="{plain}"'
    return f";\r\n filename*=utf-8''{quote(name, safe='')};\r\n filename=\"{plain}\""


def _short_name(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > MAX_EXTENSION:
        stem, dot, extension = name, "", ""
    room = MAX_FILE_NAME - len((dot + extension).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + extension


def _phrase(name: str, used: int) -> str:
    if not name.isascii() or "=?" in name:
        return _encoded_words(name, used)
    if not name or _ATOMS.fullmatch(name):
        return name
    return '"' + _QUOTED.sub(r"\\\1", name) + '"'


def _unstructured(line: str, used: int) -> str:
    if not line.isascii() or "=?" in line:
        return _encoded_words(line, used)
    words = line.split(" ")
    if max(map(len, words)) > MAX_LINE - used:
        return line if used + len(line) <= MAX_LINE else _encoded_words(line, used)
    return "\r\n ".join(_folded(words, used))


def _folded(words: list[str], used: int) -> Iterator[str]:
    line = words[0]
    for word in words[1:]:
        if used + len(line) + 1 + len(word) > MAX_LINE:
            yield line
            line, used = word, 1
        else:
            line = f"{line} {word}"
    yield line


def _encoded_words(text: str, used: int) -> str:
    """Return B-encoded words of at most 75 octets, each on a line of at most 76, split between characters only."""
    octets = text.encode()
    words = []
    start, end = 0, (MAX_ENCODED_LINE - used - _WRAPPING) // 4 * 3
    while end < len(octets):
        while octets[end] & 0b11000000 == 0b10000000:  # inside a character (RFC 3629 3)
            end -= 1
        words.append(octets[start:end])
        start, end = end, end + _WORD_OCTETS
    words.append(octets[start:])
    encoded = [b2a_base64(word, newline=False).decode("ascii") for word in words]
    return f"=?utf-8?b?{_BETWEEN_WORDS.join(encoded)}?="
