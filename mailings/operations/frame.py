"""From a run's snapshot to the engine's frame: the letter composed once, filled per recipient."""

from __future__ import annotations

import mimetypes
from datetime import datetime
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import translation
from django.utils.translation import gettext

from mailings.models import Client, Delivery, Run
from mailings.models.placeholder import fields_of
from mailings.sending.compose import Attachment, Frame, Message, Recipient
from mailings.sending.token import seal


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
    postal = settings.POSTAL_ADDRESS
    text = "\n\n-- \n" + (f"{postal}\n" if postal else "") + words + ": {{ unsubscribe_url }}\n"
    html = f'<hr><p>{postal} <a href="{{{{ unsubscribe_url }}}}">{words}</a></p>'
    return text, html


def read_attachment(name: str, path: str) -> Attachment:
    with default_storage.open(path) as file:
        content = file.read()
    return Attachment(name, mimetypes.guess_type(name)[0] or "application/octet-stream", content)


def unsubscribe_url(delivery_id: int) -> str:
    return f"{settings.SITE_URL}/u/{seal(delivery_id, token_key())}/"


def token_key() -> bytes:
    return str(settings.SECRET_KEY).encode()


def recipient(delivery: Delivery, client: Client, now: datetime) -> Recipient:
    url = unsubscribe_url(delivery.pk)
    attributes = {name.casefold(): str(value) for name, value in client.attributes.items()}
    values = attributes | {"full_name": client.full_name, "email": delivery.address, "unsubscribe_url": url}
    return Recipient(
        address=delivery.address,
        name=client.full_name,
        values=values,
        message_id=f"{delivery.message_id.hex}@{sender_domain()}",
        unsubscribe_url=url,
        date=now,
    )


def site_host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"
