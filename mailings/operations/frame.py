"""From a run's snapshot to the engine's frame: the letter composed once, filled per recipient."""

from __future__ import annotations

import json
import mimetypes
import time
from datetime import datetime, tzinfo
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone, translation
from django.utils.translation import gettext

from mailings.models import Run
from mailings.models.placeholder import FIELDS, fields_of
from mailings.operations import ledger
from mailings.sending.compose import Attachment, Frame, Message, Recipient
from mailings.sending.escape import escape_html
from mailings.sending.token import Seal


def sender_domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]


def build_frame(run: Run) -> Frame:
    """Compose the run's message, with the footer that lets its readers unsubscribe.

    :raises ValueError: no letter can be made of it (a broken placeholder, a sender that cannot stand in a header).
    """
    parts = run.snapshot["subject"], run.snapshot["text"], run.snapshot["html"]
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    with translation.override(run.owner.language):
        footer_text, footer_html = footers()
    message = Message(
        sender_name=name,
        sender_address=address,
        reply_to=settings.REPLY_TO_EMAIL,
        subject=parts[0],
        text=parts[1],
        html=parts[2],
        attachments=tuple(read_attachment(**kept) for kept in run.snapshot["attachments"]),
        list_id=f"mailing-{run.mailing_id}.{sender_domain()}",
        footer_text=footer_text,
        footer_html=footer_html,
    )
    return Frame(message, fields_of(*parts))


def footers() -> tuple[str, str]:
    """Say who writes and how to unsubscribe, for messages that do not say it themselves."""
    words = gettext("Unsubscribe")
    # Doubled, braces stand for themselves: an address is no template.
    postal = settings.POSTAL_ADDRESS.replace("{{", "{{{{")
    text = "\n\n-- \n" + (f"{postal}\n" if postal else "") + words + ": {{ unsubscribe_url }}\n"
    html = f'<hr><p>{escape_html(postal)} <a href="{{{{ unsubscribe_url }}}}">{words}</a></p>'
    return text, html


def read_attachment(name: str, path: str) -> Attachment:
    with default_storage.open(path) as file:
        content = file.read()
    return Attachment(name, mimetypes.guess_type(name)[0] or "application/octet-stream", content)


def token_key() -> bytes:
    return str(settings.SECRET_KEY).encode()


def site_host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


@lru_cache(maxsize=1)
def _moment(second: int, zone: tzinfo) -> datetime:
    """Return the time for the Date of a letter, which has no fractions: the letters of one second share it."""
    return datetime.fromtimestamp(second, zone)


class Letters:
    """The letters of one run: composed once, filled for each recipient.

    :raises ValueError: no letter can be made of the message (a broken placeholder, a sender that fits in no header).
    """

    def __init__(self, run: Run) -> None:
        self.frame = build_frame(run)
        self.asks_attributes = bool(self.frame.fields - set(FIELDS.values()))
        self.domain = sender_domain()
        self.address = f"{settings.SITE_URL}/u/"
        self.seal = Seal(token_key())
        self.zone = timezone.get_current_timezone()

    def fill(self, row: ledger.Recipient) -> bytes:
        """Write the letter for one recipient.

        :raises ValueError: his data cannot stand in a letter.
        """
        recipient = Recipient(
            address=row.address,
            name=row.full_name,
            values=self.values(row) | {"full_name": row.full_name, "email": row.address},
            message_id=f"{row.message_id}@{self.domain}",
            unsubscribe_url=f"{self.address}{self.seal.seal(row.id)}/",
            date=_moment(int(time.time()), self.zone),
        )
        return self.frame.fill(recipient)

    def values(self, row: ledger.Recipient) -> dict[str, str]:
        """Read the client's attributes, if the message asks for any."""
        if not self.asks_attributes:
            return {}
        return {name.casefold(): str(value) for name, value in json.loads(row.attributes).items()}
