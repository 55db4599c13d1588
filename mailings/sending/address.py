"""Puts an e-mail address into the one form it is stored, compared and sent in; refuses what no server can be given."""

import re
import unicodedata
from enum import StrEnum

MAX_ADDRESS = 254  # RFC 5321 4.5.3.1.3: a path of 256 octets with its angle brackets
MAX_LOCAL = 64  # RFC 5321 4.5.3.1.1
MAX_LABEL = 63  # RFC 1035 2.3.4

# Spreadsheets and web pages leave these around an address, where nobody can see them.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_ASCII_LABEL = re.compile(_LABEL)
_PLAIN = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")
_SEVERAL = re.compile(r"[,;]|@.*@", re.DOTALL)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
# RFC 5892 2.1, "LetterDigits" without the capitals, which are mapped to small letters first (RFC 5895 2).
_IDN_CATEGORIES = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})


class AddressFault(StrEnum):
    """Why an address is refused; the sentences for people are made where they are shown."""

    EMPTY = "empty"
    NO_AT = "no_at"
    SEVERAL = "several"
    CONTROL = "control"
    LOCAL_NOT_ASCII = "local_not_ascii"
    LOCAL_TOO_LONG = "local_too_long"
    TOO_LONG = "too_long"
    BAD_LOCAL = "bad_local"
    BAD_DOMAIN = "bad_domain"


class BadAddress(ValueError):
    """The text is not one deliverable address."""

    def __init__(self, code: AddressFault) -> None:
        super().__init__(code.value)
        self.code = code


def normalise(raw: str) -> str:
    """Return the address in small letters, trimmed, with its domain in ASCII.

    RFC 5321 2.4 lets a host tell ``Ivan@`` from ``ivan@``; none in use does, while people type both for one
    mailbox. One form for storing, comparing and sending is therefore worth more than the letter of the rule.

    The local part must be ASCII: without SMTPUTF8 (RFC 6531) no other can be handed over.

    :raises BadAddress: with the reason in ``code``.
    """
    text = raw.strip()
    if len(text) <= MAX_ADDRESS and _PLAIN.fullmatch(text):
        return text.lower()
    return _normalise_slowly(text.strip(_INVISIBLE).strip())


def mask(address: str) -> str:
    """Return ``i***@mail.ru`` for a journal or a log, where a whole address has no business."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***{at}{domain}" if at else "***"


def _normalise_slowly(text: str) -> str:
    _refuse_if(not text, AddressFault.EMPTY)
    _refuse_if(text.startswith('"'), AddressFault.BAD_LOCAL)
    _refuse_if(_SEVERAL.search(text) is not None, AddressFault.SEVERAL)
    _refuse_if(any(unicodedata.category(char) in _HIDDEN for char in text), AddressFault.CONTROL)
    _refuse_if("@" not in text, AddressFault.NO_AT)
    local, _, domain = text.partition("@")
    _check_local(local)
    _refuse_if(len(text) > MAX_ADDRESS, AddressFault.TOO_LONG)
    address = f"{local.lower()}@{_ascii_domain(domain)}"
    _refuse_if(len(address) > MAX_ADDRESS, AddressFault.TOO_LONG)
    return address


def _refuse_if(is_wrong: bool, code: AddressFault) -> None:
    if is_wrong:
        raise BadAddress(code)


def _check_local(local: str) -> None:
    _refuse_if(not local.isascii(), AddressFault.LOCAL_NOT_ASCII)
    _refuse_if(len(local) > MAX_LOCAL, AddressFault.LOCAL_TOO_LONG)
    # Quoted local parts are legal (RFC 5321 4.1.2), but in a client list they have only ever been mistakes.
    _refuse_if(_LOCAL.fullmatch(local) is None, AddressFault.BAD_LOCAL)


def _ascii_domain(domain: str) -> str:
    labels = [_ascii_label(label) for label in domain.split(".")]
    # RFC 3696 2: a top-level domain is never all digits, so 1.2.3.4 is an IP address and not a name.
    _refuse_if(not labels[1:] or labels[-1].isdigit(), AddressFault.BAD_DOMAIN)
    return ".".join(labels)


def _ascii_label(label: str) -> str:
    """Return the A-label of IDNA 2008 (RFC 5891): ``faß`` is ``xn--fa-hia``; IDNA 2003 made ``fass`` of it."""
    small = unicodedata.normalize("NFC", unicodedata.normalize("NFC", label).lower())
    if not small.isascii():
        _refuse_if(not _is_idn_label(small), AddressFault.BAD_DOMAIN)
        small = "xn--" + small.encode("punycode").decode("ascii")
    _refuse_if(_ASCII_LABEL.fullmatch(small) is None, AddressFault.BAD_DOMAIN)
    return small


def _is_idn_label(label: str) -> bool:
    has_letters_only = all(char == "-" or unicodedata.category(char) in _IDN_CATEGORIES for char in label)
    is_stable = unicodedata.normalize("NFKC", label) == label  # no full-width or ligature look-alikes, RFC 5892 2.2
    starts_well = (
        not unicodedata.category(label[0]).startswith("M") and label[2:4] != "--"
    )  # RFC 5891 4.2.3.1 and 4.2.3.2
    return has_letters_only and is_stable and starts_well and not label.startswith("-") and not label.endswith("-")
