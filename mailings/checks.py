"""System checks that explain a bad setting and how to mend it."""

import re
from email.utils import getaddresses
from typing import Any

from django.conf import settings
from django.core import checks as django_checks
from django.core.checks import CheckMessage, Error, Tags, register

from accounts.line import CONTROL
from mailings.sending.address import BadAddress, normalise
from mailings.sending.header import BadHeader, mailbox_field
from mailings.sending.pace import Limits


@register(Tags.security)
def check_mail_settings(**_: Any) -> list[CheckMessage]:
    checks = (
        check_tls,
        check_plain_login,
        check_sender,
        check_reply_to,
        check_greeting,
        check_limits,
        check_connections,
    )
    return [fault for check in checks for fault in check()]


def check_tls() -> list[CheckMessage]:
    if settings.EMAIL_USE_SSL and settings.EMAIL_USE_TLS:
        hint = "Keep EMAIL_USE_SSL for port 465, or EMAIL_USE_TLS (STARTTLS) for port 587."
        return [Error("EMAIL_USE_SSL and EMAIL_USE_TLS exclude each other.", hint=hint, id="mailings.E001")]
    return []


def check_plain_login() -> list[CheckMessage]:
    is_open = not (settings.EMAIL_USE_SSL or settings.EMAIL_USE_TLS)
    is_local = settings.EMAIL_HOST in ("localhost", "127.0.0.1", "::1")
    if settings.EMAIL_HOST_USER and is_open and not is_local:
        hint = "Set EMAIL_USE_TLS=True (port 587) or EMAIL_USE_SSL=True (port 465)."
        return [Error("The mail password would cross the network unencrypted.", hint=hint, id="mailings.E002")]
    return []


def check_sender() -> list[CheckMessage]:
    mailboxes = getaddresses([settings.DEFAULT_FROM_EMAIL])
    if CONTROL.search(settings.DEFAULT_FROM_EMAIL) or len(mailboxes) != 1 or not is_mailbox(*mailboxes[0]):
        hint = "Write it like DEFAULT_FROM_EMAIL=Shop <news@shop.example>, a name with a comma in double quotes."
        return [Error("DEFAULT_FROM_EMAIL holds no valid address.", hint=hint, id="mailings.E003")]
    return []


def check_reply_to() -> list[CheckMessage]:
    if settings.REPLY_TO_EMAIL and not is_mailbox("", settings.REPLY_TO_EMAIL):
        hint = "Write the bare address, as in REPLY_TO_EMAIL=office@shop.example."
        return [Error("REPLY_TO_EMAIL is not a valid address.", hint=hint, id="mailings.E006")]
    return []


def is_mailbox(name: str, address: str) -> bool:
    """Tell whether the engine would take these for the sender of a letter."""
    try:
        mailbox_field("From", name, address)
        normalise(address)
    except (BadHeader, BadAddress):
        return False
    return True


def check_greeting() -> list[CheckMessage]:
    if settings.EMAIL_HELO and not re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", settings.EMAIL_HELO):
        hint = "Write a host name, as in EMAIL_HELO=post.example.org, or leave it empty."
        return [Error("EMAIL_HELO is not a host name.", hint=hint, id="mailings.E007")]
    return []


def check_limits() -> list[CheckMessage]:
    try:
        Limits.parse(settings.SENDING_LIMITS)
    except ValueError as error:
        return [Error(f"SENDING_LIMITS: {error}", hint="Write it like 1/s 500/d.", id="mailings.E004")]
    return []


def check_connections() -> list[CheckMessage]:
    if not 1 <= settings.SENDING_CONNECTIONS <= 100:
        hint = "Most mail servers accept up to 10 connections."
        return [
            django_checks.Warning("SENDING_CONNECTIONS should lie between 1 and 100.", hint=hint, id="mailings.W005")
        ]
    return []
