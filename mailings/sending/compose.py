"""Composes a run's letter once and fills it for each recipient; renders no other way, and sends nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from mailings.sending.body import Body, encoded
from mailings.sending.escape import escape_header, escape_html, escape_text
from mailings.sending.header import BadHeader, field, file_name_parameters, mailbox_field, subject_field
from mailings.sending.markup import check_html
from mailings.sending.render import Template, compile_template
from mailings.sending.text_from_html import text_from_html

UNSUBSCRIBE_URL: Final = "unsubscribe_url"

# "=_" cannot occur in base64, so no body can hold a boundary; RFC 2045 6.7 gives the hint.
_ALTERNATIVE: Final = "=_postroom_alternative"
_MIXED: Final = "=_postroom_mixed"
_CONTENT_TYPE: Final = re.compile(r"(?!message/|multipart/)[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,127}")
_URL: Final = re.compile(r"(?:https?://|mailto:)[!#-;=?-~]{1,900}")
_LIST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,200}@[A-Za-z0-9.-]{1,253}")
_BODY_END: Final = re.compile(r"</body\s*>", re.IGNORECASE)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with every letter of a run."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """What a run sends. Subject, bodies and footers are templates; the footers are used only when no body links to leave."""

    sender_name: str
    sender_address: str
    subject: str
    text: str = ""
    html: str = ""
    reply_to: str = ""
    list_id: str = ""
    footer_text: str = ""
    footer_html: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom one letter is for; ``message_id`` is whole but for its angle brackets, and the same at every try."""

    address: str
    name: str
    values: Mapping[str, str]
    message_id: str
    date: datetime
    unsubscribe_url: str = ""


class Frame:
    """A message made ready: everything that is the same in every letter of the run is encoded here, once.

    :param fields: accepted spellings and their canonical keys, as for :func:`mailings.sending.render.compile_template`;
        ``unsubscribe_url`` is always among them.
    :raises TemplateError: when a template is wrong.
    :raises BadHeader: when the sender, Reply-To or List-ID cannot stand in a header.
    """

    __slots__ = ("_bodies", "_head", "_list_id", "_subject", "_subject_line", "_tail", "fields")

    def __init__(self, message: Message, fields: Mapping[str, str]) -> None:
        names = {**fields, UNSUBSCRIBE_URL: UNSUBSCRIBE_URL}
        self._subject = compile_template(message.subject, names)
        text, html = _bodies(message, names)
        self.fields = self._subject.fields | text.fields | (html.fields if html else frozenset())
        self._subject_line = b"" if self._subject.fields else subject_field(self._subject.render({}))
        self._head = _fixed_head(message)
        self._bodies, self._tail = _structure(message, text, html)

    def fill(self, recipient: Recipient) -> bytes:
        """Return one whole letter (RFC 5322) for one recipient: CRLF line ends, dots stuffed, without the final dot.

        :raises BadHeader: when a value of the recipient would break the header.
        """
        values = {**recipient.values, UNSUBSCRIBE_URL: recipient.unsubscribe_url}
        pieces = [
            self._head,
            mailbox_field("To", escape_header(recipient.name), recipient.address),
            self._subject_line or subject_field(self._subject.render(values, escape_header)),
            _own_fields(recipient),
        ]
        for lead, body in self._bodies:
            pieces += (lead, body if isinstance(body, bytes) else body.fill(values))
        pieces.append(self._tail)
        return b"".join(pieces)


def _own_fields(recipient: Recipient) -> bytes:
    if recipient.date.tzinfo is None:
        raise BadHeader("Date")
    if not _MESSAGE_ID.fullmatch(recipient.message_id):
        raise BadHeader("Message-ID")
    own = field("Date", format_datetime(recipient.date)) + field("Message-ID", f"<{recipient.message_id}>")
    return own + _leaving_fields(recipient.unsubscribe_url)


def _leaving_fields(url: str) -> bytes:
    """Return List-Unsubscribe on one line (some relays break DKIM over a folded one), and the one-click pair of RFC 8058."""
    if not url:
        return b""
    if not _URL.fullmatch(url):
        raise BadHeader("List-Unsubscribe")
    line = field("List-Unsubscribe", f"<{url}>")
    if not url.startswith("https://"):
        return line  # RFC 8058 3.1: one click needs an HTTPS address
    return line + b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def _fixed_head(message: Message) -> bytes:
    head = mailbox_field("From", message.sender_name, message.sender_address)
    if message.reply_to:
        head += mailbox_field("Reply-To", "", message.reply_to)
    if message.list_id:
        if not _LIST_ID.fullmatch(message.list_id):
            raise BadHeader("List-ID")
        head += field("List-ID", f"<{message.list_id}>")
    return head + b"Precedence: bulk\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\nMIME-Version: 1.0\r\n"
