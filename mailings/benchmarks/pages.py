"""How long the server takes over a page, in bases of any size; in a process of its own, without the network.

`python -m mailings.benchmarks.pages fill CLIENTS ATTEMPTS` makes twenty users, one with half of the clients, one with a
hundred shared lists, and one mailing whose run has the attempts; `pages time` prints the milliseconds of each page.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from datetime import timedelta
from typing import Any

import django
from django.db import connection

USERS = 20
SHARES = 100
REQUESTS = 15
BIG, ALONE, GUEST, MANAGER = (
    "user0@post.example.org",
    "user1@post.example.org",
    "user2@post.example.org",
    "user3@post.example.org",
)
CLIENTS = """
INSERT INTO mailings_client (owner_id, email, full_name, comment, attributes, consent_source, created_at)
SELECT (%(owners)s::bigint[])[CASE WHEN n %% 2 = 0 THEN 1 ELSE 2 + n %% (cardinality(%(owners)s) - 1) END],
    'client' || n || '@domain' || n %% 1000 || '.example', 'Клиент Номер' || n, '', '{}', '', now()
FROM generate_series(1, %(count)s) AS n
"""
DELIVERIES = """
INSERT INTO mailings_delivery (owner_id, run_id, client_id, address, state, reason, tries, message_id)
SELECT owner_id, %s, id, email, 'accepted', '', 1, gen_random_uuid()
FROM mailings_client WHERE owner_id = %s ORDER BY id
"""
ATTEMPTS = """
INSERT INTO mailings_attempt
    (owner_id, run_id, delivery_id, made_at, outcome, reason, stage, code, enhanced_code, answer)
SELECT d.owner_id, d.run_id, d.id, now() - n * interval '1 day', 'accepted', 'accepted', 'dot', 250, '2.0.0', 'Ok'
FROM generate_series(1, %s) AS n, mailings_delivery AS d
"""


def fill(clients: int, attempts: int) -> None:
    from django.contrib.auth.models import Group  # noqa: PLC0415  Django has to be ready

    from accounts.models import User  # noqa: PLC0415
    from accounts.roles import MANAGER as MANAGERS  # noqa: PLC0415
    from accounts.roles import USER  # noqa: PLC0415

    users = [User.objects.create_user(f"user{n}@post.example.org", language="ru") for n in range(USERS)]
    for user in users:
        user.groups.add(Group.objects.get(name=MANAGERS if user.email == MANAGER else USER))
    with connection.cursor() as cursor:
        cursor.execute(CLIENTS, {"owners": [user.pk for user in users], "count": clients})
    share(users)
    send(users[0], attempts)


def share(users: list[Any]) -> None:
    """Share a hundred lists of ten clients each with the guest."""
    from guardian.shortcuts import assign_perm  # noqa: PLC0415  Django has to be ready

    from mailings.models import Client, ClientList  # noqa: PLC0415

    for number in range(SHARES):
        owner = users[4 + number % (USERS - 4)]
        made = ClientList.objects.create(owner=owner, name=f"shared {number}")
        made.clients.set(Client.objects.filter(owner=owner).order_by("pk")[:10])
        assign_perm("view_clientlist", users[2], made)


def send(owner: Any, attempts: int) -> None:
    from django.utils import timezone  # noqa: PLC0415  Django has to be ready

    from mailings.models import Delivery, HourlyCounter, Mailing, Message, Run  # noqa: PLC0415

    now = timezone.now()
    message = Message.objects.create(owner=owner, subject="News", text="Hello")
    mailing = Mailing.objects.create(
        owner=owner,
        title="bench",
        message=message,
        first_send_at=now - timedelta(days=30),
        finish_send_at=now + timedelta(days=30),
        status=Mailing.Status.COMPLETED,
    )
    run = Run.objects.create(
        owner=owner, mailing=mailing, trigger=Run.Trigger.BY_HAND, snapshot={"subject": "News"}, finished_at=now
    )
    with connection.cursor() as cursor:
        cursor.execute(DELIVERIES, [run.pk, owner.pk])
        total = Delivery.objects.count()
        # Without asking for each of five million whether its delivery is there.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(ATTEMPTS, [max(1, attempts // total)])
    Run.objects.update(total=total, accepted=total)
    HourlyCounter.objects.bulk_create(
        HourlyCounter(owner=owner, mailing=mailing, hour=now - timedelta(hours=hours), accepted=100)
        for hours in range(24 * 90)
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def pages() -> dict[str, tuple[str, str]]:
    from mailings.models import Mailing  # noqa: PLC0415  Django has to be ready

    return {
        "clients": (BIG, "/admin/mailings/client/"),
        "clients_alone": (ALONE, "/admin/mailings/client/"),
        "clients_guest": (GUEST, "/admin/mailings/client/"),
        "clients_manager": (MANAGER, "/admin/mailings/client/"),
        "attempts": (BIG, "/admin/mailings/attempt/"),
        "home": (BIG, "/admin/"),
        "mailing": (BIG, f"/admin/mailings/mailing/{Mailing.objects.get().pk}/change/"),
    }


def milliseconds() -> dict[str, float]:
    """Take each page in turn, again and again, so that what else the machine does falls on all; return the medians."""
    asked = pages()
    browsers = {email: browser(email) for email, _path in asked.values()}
    times: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(REQUESTS + 1):
        for name, (email, path) in asked.items():
            began = time.perf_counter()
            status = browsers[email].get(path, secure=True).status_code
            if status != 200:
                raise SystemExit(f"{path} answered {status}")
            if number:
                times[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(found) for name, found in times.items()}


def browser(email: str) -> Any:
    from django.conf import settings  # noqa: PLC0415  Django has to be ready
    from django.test import Client  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415

    made = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    made.force_login(User.objects.get(email=email), backend="django.contrib.auth.backends.ModelBackend")
    return made


def main(what: str, *numbers: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    if what == "fill":
        fill(*map(int, numbers))
        print("{}")
    else:
        print(json.dumps(milliseconds()))


if __name__ == "__main__":
    main(*sys.argv[1:])
