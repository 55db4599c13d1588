"""Rows for tests, each with no more than it needs; everything else can be given by name."""

import itertools
from datetime import timedelta

from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import User
from accounts.roles import MANAGER, USER
from mailings.models import Client, ClientList, Mailing, Message

PASSWORD = "a-long-pass-phrase-7"  # noqa: S105  a test's own
_numbers = itertools.count(1)


def make_user(email="", role=USER, **fields):
    user = User.objects.create_user(email or f"user{next(_numbers)}@staff.example", PASSWORD, **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_manager(email=""):
    return make_user(email, role=MANAGER)


def make_superuser(email=""):
    return make_user(email, role=None, is_superuser=True)


def make_client(owner, email="", **fields):
    return Client.objects.create(owner=owner, email=email or f"client{next(_numbers)}@example.com", **fields)


def make_list(owner, clients=(), name="", **fields):
    made = ClientList.objects.create(owner=owner, name=name or f"list {next(_numbers)}", **fields)
    made.clients.set(clients)
    return made


def make_message(owner, **fields):
    return Message.objects.create(owner=owner, **{"subject": "News", "text": "Hello, {{ full_name | friend }}!", **fields})


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
