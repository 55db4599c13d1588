"""A message as a client gets it: the letter is written by the sending engine, and taken apart again for the eye."""

from __future__ import annotations

import email
import email.policy
import json
import re
import uuid
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from accounts.models import User
from mailings.models import Client, Message, Run
from mailings.operations import ledger
from mailings.operations.frame import Letters
from mailings.operations.launch import snapshot

# No delivery has this number: the link to unsubscribe in a letter that is only looked at leads nowhere.
NO_DELIVERY = 0

_STUFFED = re.compile(rb"^\.\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Preview:
    """One letter: whole, as the mail server would get it, and what a mail program would show of it."""

    raw: bytes
    sender: str
    to: str
    subject: str
    text: str
    html: str


def contents(message: Message, *, with_files: bool = False) -> dict[str, Any]:
    """Copy the message as a launch would. Without its files (tens of megabytes) it reads the same."""
    if with_files:
        return snapshot(message)
    return {"subject": message.subject, "text": message.text, "html": message.html, "attachments": []}


def letters_of(kept: dict[str, Any], owner: User, mailing_id: int = 0) -> Letters:
    """Compose the letters of a run that there is not.

    :raises ValueError: no letter can be made of it.
    """
    return Letters(Run(owner=owner, mailing_id=mailing_id, snapshot=kept))


def fill_for(letters: Letters, client: Client, address: str = "") -> bytes:
    """Write the letter for a client, or for somebody else who wants to see what the client will.

    :raises ValueError: the client's data cannot stand in a letter.
    """
    attributes = json.dumps(client.attributes)
    row = ledger.Recipient(NO_DELIVERY, address or client.email, uuid.uuid4().hex, 0, client.full_name, attributes)
    return letters.fill(row)


def preview(letters: Letters, client: Client) -> Preview:
    """:raises ValueError: the client's data cannot stand in a letter."""
    raw = _STUFFED.sub(b".", fill_for(letters, client))
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return Preview(
        raw=raw,
        sender=str(parsed["From"]),
        to=str(parsed["To"]),
        subject=str(parsed["Subject"]),
        text=body_of(parsed, "plain"),
        html=body_of(parsed, "html"),
    )


def body_of(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body((kind,))
    return part.get_content().replace("\r\n", "\n") if part else ""
