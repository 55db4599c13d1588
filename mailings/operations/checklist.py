"""What is to be known of a message before it goes out: placeholders, links, sizes. It forbids nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from mailings.models import Attachment, Client, Message
from mailings.models.placeholder import check_html, check_text, fields_of, known_fields, name_of, written
from mailings.operations.preview import Preview, contents, letters_of, preview
from mailings.operations.reader import example, without
from mailings.sending.compose import UNSUBSCRIBE_URL
from mailings.sending.render import Template, compile_template

# Mail programs on a computer show some seventy characters of a subject, those on a telephone some forty.
LONG_SUBJECT = 70
# Gmail shows no more than 102 KB of HTML and cuts off the rest, with it the link to unsubscribe.
LONG_HTML = 90_000
# What many mail servers still take (base64 makes of three octets four).
BIG_LETTER = 10 * 1024 * 1024
BASE64 = 4 / 3
LINKS_SHOWN = 3

_INSECURE = re.compile(r"\bhttp://[^\s\"'<>)\]]{1,200}", re.IGNORECASE)
_CHECKS = (("subject", _("subject"), check_text), ("text", _("text"), check_text), ("html", _("HTML"), check_html))


class Level(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Check:
    """A finding, and what to do about it."""

    level: Level
    sentence: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".strip()


def warnings(message: Message, clients: QuerySet[Client]) -> list[Check]:
    """Look a message over and keep what is not as it should be."""
    return [check for check in checklist(message, clients) if check.level != Level.GOOD]


def checklist(message: Message, clients: QuerySet[Client], letter: Preview | None = None) -> list[Check]:
    """Look a message over as it would go to these clients; a letter at hand need not be made again."""
    faults = list(of_placeholders(message))
    if faults:
        return faults
    try:
        letter = letter or first_letter(message, clients)
    except ValueError as error:
        return [Check(Level.FAULT, gettext("No letter can be made of it: %(why)s.") % {"why": error})]
    return [
        Check(Level.GOOD, gettext("Every placeholder is known.")),
        *of_values(message, clients),
        *of_subject(letter),
        *of_text(message),
        *of_links(message),
        *of_leaving(message),
        *of_size(message, letter),
    ]


def first_letter(message: Message, clients: QuerySet[Client]) -> Preview:
    """:raises ValueError: no letter can be made."""
    client = clients.first() or example()
    return preview(letters_of(contents(message), message.owner), client)


def of_placeholders(message: Message) -> Iterator[Check]:
    for name, label, check in _CHECKS:
        text = getattr(message, name)
        try:
            check(text, known_fields(message.owner_id, text))
        except ValidationError as error:
            yield Check(Level.FAULT, f"{capfirst(str(label))}. {' '.join(error.messages)}")


def of_values(message: Message, clients: QuerySet[Client]) -> Iterator[Check]:
    """Count the clients for whom a place would stay empty."""
    blank = dict.fromkeys(bare_keys(message), 0)
    for key in blank:
        lacking = without(clients, key)
        blank[key] = lacking.count() if lacking is not None else 0
    for key, count in sorted(blank.items()):
        if count:
            sentence = ngettext(
                "%(n)s client has no “%(name)s”: the place stays empty.",
                "%(n)s clients have no “%(name)s”: the place stays empty.",
                count,
            )
            advice = gettext("Write what stands there instead: %(example)s.")
            instead = gettext("dear client") if key == "full_name" else "…"
            values = {"n": count, "name": name_of(key)}
            yield Check(Level.WARNING, sentence % values, advice % {"example": written(key, instead)})
    if blank and not any(blank.values()) and clients.exists():
        yield Check(Level.GOOD, gettext("Every client has a value for every placeholder."))


def bare_keys(message: Message) -> frozenset[str]:
    """List the keys for which the message says nothing instead.

    :raises TemplateError: a placeholder is broken.
    """
    texts = message.subject, message.text, message.html
    fields = fields_of(*texts)
    missing = (compile_template(text, fields).missing({}) for text in texts)
    return frozenset().union(*missing) - {UNSUBSCRIBE_URL}


def of_subject(letter: Preview) -> Iterator[Check]:
    if len(letter.subject) > LONG_SUBJECT:
        yield Check(
            Level.WARNING,
            gettext("The subject has %(n)s characters.") % {"n": len(letter.subject)},
            gettext("Mail programs cut it off after about 70, on a telephone after 40."),
        )


def of_text(message: Message) -> Iterator[Check]:
    if not message.text.strip():
        yield Check(
            Level.WARNING,
            gettext("There is no plain text: it is made from the HTML."),
            gettext("Look at it in the preview, or write one."),
        )


def of_links(message: Message) -> Iterator[Check]:
    links = list(dict.fromkeys(_INSECURE.findall(f"{message.text}\n{message.html}")))
    if links:
        shown = ", ".join(links[:LINKS_SHOWN]) + (" …" if len(links) > LINKS_SHOWN else "")
        sentence = ngettext(
            "%(n)s link is not secure (%(links)s).", "%(n)s links are not secure (%(links)s).", len(links)
        )
        values = {"n": len(links), "links": shown}
        yield Check(Level.WARNING, sentence % values, gettext("Write https:// if the site has it."))


def of_leaving(message: Message) -> Iterator[Check]:
    bodies = [body for body in (message.text, message.html) if body.strip()]
    has_link = [UNSUBSCRIBE_URL in template_of(body).fields for body in bodies]
    if all(has_link):
        yield Check(Level.GOOD, gettext("It has a link to unsubscribe."))
    elif any(has_link):
        yield Check(
            Level.WARNING,
            gettext("Only the text has a link to unsubscribe, the HTML has none.")
            if has_link[0]
            else gettext("Only the HTML has a link to unsubscribe, the text has none."),
            gettext("Add %(placeholder)s.") % {"placeholder": written(UNSUBSCRIBE_URL)},
        )
    else:
        yield Check(Level.GOOD, gettext("A link to unsubscribe is added at the end by itself."))


def template_of(body: str) -> Template:
    return compile_template(body, fields_of(body))


def of_size(message: Message, letter: Preview) -> Iterator[Check]:
    size = len(letter.raw) + int(BASE64 * sum(file.file.size for file in files_of(message)))
    values = {"size": filesizeformat(size)}
    if size > BIG_LETTER:
        sentence = gettext("The letter is too big for many mail servers: %(size)s.")
        yield Check(Level.WARNING, sentence % values, gettext("Put large files on your site and link to them."))
    elif len(letter.html.encode()) > LONG_HTML:
        sentence = gettext("The HTML is long: %(size)s.") % {"size": filesizeformat(len(letter.html.encode()))}
        yield Check(Level.WARNING, sentence, gettext("Gmail cuts it off after 102 KB, and the end is not seen."))
    else:
        yield Check(Level.GOOD, gettext("The letter is %(size)s.") % values)


def files_of(message: Message) -> list[Attachment]:
    return list(message.attachments.all()) if message.pk else []
