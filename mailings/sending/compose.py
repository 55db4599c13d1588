"""Composes a run's letter once and fills it for each recipient; renders no other way, and sends nothing."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from mailings.sending.body import Body, Escape, encoded, in_octets
from mailings.sending.escape import escape_html, escape_text, is_plain, shortened
from mailings.sending.header import BadHeader, date_field, field, file_name_parameters, mailbox_field, subject_field
from mailings.sending.markup import check_html
from mailings.sending.render import Template, compile_template, filled
from mailings.sending.text_from_html import text_from_html

UNSUBSCRIBE_URL: Final = "unsubscribe_url"

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
    """What a run sends. Subject, bodies and footers are templates; footers go in when no body has the link to leave."""

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


class Recipient(NamedTuple):
    """Whom one letter is for; ``message_id`` is whole but for its angle brackets, and the same at every try.

    A tuple, which is made in half the time of a frozen dataclass. Letters that share their ``date`` share its line.
    """

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
    :param url_fields: canonical keys allowed in HTML attributes.
    :ivar fields: the canonical keys that subject and bodies ask for.
    :raises TemplateError: when a template is wrong.
    :raises BadHeader: when the sender, Reply-To or List-ID cannot stand in a header.
    """

    __slots__ = ("_bodies", "_dated", "_form", "_subject", "_subject_line", "_templates", "fields")

    def __init__(
        self, message: Message, fields: Mapping[str, str], url_fields: Collection[str] = (UNSUBSCRIBE_URL,)
    ) -> None:
        names = {**fields, UNSUBSCRIBE_URL: UNSUBSCRIBE_URL}
        html = check_html(_html_source(message, names), names, url_fields)
        text = compile_template(_text_source(message, names), names)
        self._subject = compile_template(message.subject, names)
        self._subject_line = "" if self._subject.fields else subject_field(self._subject.render({}))
        self._templates = (self._subject, text, html)
        self.fields = frozenset().union(*(template.fields for template in self._templates))
        content = _content(text, html, message.attachments)
        self._bodies = tuple(piece for piece in content if isinstance(piece, Body))
        pieces = [b"%b" if isinstance(piece, Body) else piece.replace(b"%", b"%%") for piece in content]
        self._form = b"%b%%b%b" % (_fixed_head(message).replace(b"%", b"%%"), b"".join(pieces))
        self._dated: tuple[datetime | None, str] = None, ""

    def missing(self, values: Mapping[str, str]) -> frozenset[str]:
        """Return the keys that are blank here and have no fallback; the link to leave is made for each letter."""
        gaps = (template.missing(values) for template in self._templates)
        return frozenset().union(*gaps) - {UNSUBSCRIBE_URL}

    def fill(self, recipient: Recipient) -> bytes:
        """Return one whole letter (RFC 5322) for one recipient: CRLF line ends, dots stuffed, without the final dot.

        :raises BadHeader: when a value of the recipient would break the header.
        """
        given = {**recipient.values, UNSUBSCRIBE_URL: recipient.unsubscribe_url}
        values = {key: value for key in self.fields if (value := given.get(key, "").strip())}
        if is_plain("".join(values.values())):
            # Few hold anything to escape, or a sign nobody sees: most are the same in both kinds of bodies.
            octets = {key: value.encode() for key, value in values.items()}
            texts: dict[Escape, dict[str, bytes]] = {escape_text: octets, escape_html: octets}
        else:
            values = filled(values, self.fields)
            texts = {escape: in_octets(values, escape) for escape in (escape_text, escape_html)}
        return self._form % (
            self._own_head(recipient, values),
            *[body.join(texts[body.escape]) for body in self._bodies],
        )

    def _own_head(self, recipient: Recipient, values: Mapping[str, str]) -> bytes:
        """Return the fields that are his alone; each has been through a pattern that keeps it on its line."""
        to = mailbox_field("To", shortened(recipient.name), recipient.address)
        subject = self._subject_line or subject_field(self._subject.join(values, shortened))
        date = self._date_line(recipient.date)
        if not _MESSAGE_ID.fullmatch(recipient.message_id):
            raise BadHeader("Message-ID")
        leaving = _leaving_fields(recipient.unsubscribe_url)
        return f"{to}{subject}{date}Message-ID: <{recipient.message_id}>\r\n{leaving}".encode("ascii")

    def _date_line(self, moment: datetime) -> str:
        """Return the Date line, made anew only for another moment than the last letter's."""
        dated, line = self._dated
        if moment is not dated:
            line = date_field(moment)
            self._dated = moment, line
        return line


def _leaving_fields(url: str) -> str:
    """Return List-Unsubscribe on one line (relays broke DKIM over a folded one), and the one-click pair of RFC 8058."""
    if not url:
        return ""
    if not _URL.fullmatch(url):
        raise BadHeader("List-Unsubscribe")
    if not url.startswith("https://"):
        return f"List-Unsubscribe: <{url}>\r\n"  # RFC 8058 3.1: one click needs an HTTPS address
    return f"List-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def _fixed_head(message: Message) -> bytes:
    head = mailbox_field("From", message.sender_name, message.sender_address)
    if message.reply_to:
        head += mailbox_field("Reply-To", "", message.reply_to)
    if message.list_id:
        if not _LIST_ID.fullmatch(message.list_id):
            raise BadHeader("List-ID")
        head += field("List-ID", f"<{message.list_id}>")
    head += "Precedence: bulk\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\nMIME-Version: 1.0\r\n"
    return head.encode("ascii")


def _html_source(message: Message, names: Mapping[str, str]) -> str:
    html = _UNPRINTABLE.sub("", message.html)
    if not html.strip() or not message.footer_html or _has_link_to_leave(message, names):
        return html if html.strip() else ""
    ends = list(_BODY_END.finditer(html))
    place = ends[-1].start() if ends else len(html)
    return html[:place] + message.footer_html + html[place:]


def _text_source(message: Message, names: Mapping[str, str]) -> str:
    text = _UNPRINTABLE.sub("", message.text)
    if not text.strip():
        text = text_from_html(_UNPRINTABLE.sub("", message.html))
    if not message.footer_text or _has_link_to_leave(message, names):
        return text
    return f"{text.rstrip()}\n\n{message.footer_text}"


def _has_link_to_leave(message: Message, names: Mapping[str, str]) -> bool:
    return any(UNSUBSCRIBE_URL in compile_template(body, names).fields for body in (message.text, message.html))


_Content = list[bytes | Body]


def _content(text: Template, html: Template, attachments: Iterable[Attachment]) -> _Content:
    content = _part("text/plain", Body(text, escape_text))
    if html.parts:
        content = _multipart("alternative", [content, _part("text/html", Body(html, escape_html))])
    files = [_file(attachment) for attachment in attachments]
    return _multipart("mixed", [content, *files]) if files else content


def _part(content_type: str, body: Body) -> _Content:
    head = f"Content-Type: {content_type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return [head.encode("ascii"), body if body.is_personal else body.fill({})]


def _file(attachment: Attachment) -> _Content:
    given = attachment.content_type.strip().lower()
    content_type = given if _CONTENT_TYPE.fullmatch(given) else "application/octet-stream"
    head = (
        f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{file_name_parameters(attachment.name)}\r\n\r\n"
    )
    return [head.encode("ascii"), encoded(attachment.content)]


def _multipart(subtype: str, parts: list[_Content]) -> _Content:
    # "=_" cannot occur in base64 (RFC 2045 6.7), so no part can hold its own boundary.
    boundary = f"=_postroom_{subtype}"
    content: _Content = [f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode("ascii")]
    for part in parts:
        content += [f"--{boundary}\r\n".encode("ascii"), *part]
    return [*content, f"--{boundary}--\r\n".encode("ascii")]
