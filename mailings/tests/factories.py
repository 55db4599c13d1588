"""Rows for tests, each with no more than it needs; everything else can be given by name."""

import itertools
from datetime import timedelta

from django.utils import timezone

from accounts.tests.factories import PASSWORD, make_manager, make_superuser, make_user
from mailings.models import Client, ClientList, Mailing, Message

_numbers = itertools.count(1)


def make_client(owner, email="", **fields):
    return Client.objects.create(owner=owner, email=email or f"client{next(_numbers)}@example.com", **fields)


def make_list(owner, clients=(), name="", **fields):
    made = ClientList.objects.create(owner=owner, name=name or f"list {next(_numbers)}", **fields)
    made.clients.set(clients)
    return made


def make_message(owner, **fields):
    return Message.objects.create(
        owner=owner, **{"subject": "News", "text": "Hello, {{ full_name | friend }}!", **fields}
    )


def make_mailing(owner, clients=(), lists=(), **fields):
    now = timezone.now()
    defaults = {
        "title": f"mailing {next(_numbers)}",
        "first_send_at": now - timedelta(minutes=1),
        "finish_send_at": now + timedelta(days=1),
    }
    if "message" not in fields:
        defaults["message"] = make_message(owner)
    made = Mailing.objects.create(owner=owner, **{**defaults, **fields})
    made.clients.set(clients)
    made.lists.set(lists)
    return made


__all__ = [
    "PASSWORD",
    "make_client",
    "make_list",
    "make_mailing",
    "make_manager",
    "make_message",
    "make_superuser",
    "make_user",
]
