"""Fills a migrated database: one owner, one list of N clients made by one statement, one message, one mailing.

`python -m mailings.benchmarks.workload CLIENTS`, with the environment of the product.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta

import django
from django.db import connection
from django.utils import timezone

from mailings.benchmarks import letter

NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"


def fill(clients: int) -> None:
    from accounts.models import User  # noqa: PLC0415  Django has to be ready
    from mailings.models import ClientList, Mailing, Message  # noqa: PLC0415

    owner = User.objects.create_user("owner@post.example.org", language="ru")
    everybody = ClientList.objects.create(owner=owner, name="everybody")
    add_clients(owner.pk, everybody.pk, clients)
    message = Message.objects.create(owner=owner, subject=letter.SUBJECT, text=letter.TEXT, html=letter.HTML)
    now = timezone.now()
    mailing = Mailing.objects.create(
        owner=owner,
        title="bench",
        message=message,
        first_send_at=now - timedelta(minutes=1),
        finish_send_at=now + timedelta(days=1),
    )
    mailing.lists.add(everybody)


def add_clients(owner_id: int, list_id: int, clients: int) -> None:
    attributes = """'{"city": "Казань", "order": "№ ' || (100000 + n) || '", "bonus": ' || (n %% 1000) || '}'"""
    if connection.vendor == "postgresql":
        attributes = f"CAST({attributes} AS jsonb)"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mailings_client"  # noqa: S608  our own constants
            " (owner_id, email, full_name, comment, attributes, consent_source, created_at)"
            f" {NUMBERS} SELECT %s, 'client' || n || '@domain' || (n %% 1000) || '.example', 'Клиент Номер' || n, '',"
            f" {attributes}, '', %s FROM numbers",
            [clients, owner_id, timezone.now()],
        )
        cursor.execute(
            "INSERT INTO mailings_clientlist_clients (clientlist_id, client_id)"
            " SELECT %s, id FROM mailings_client ORDER BY id",
            [list_id],
        )


def settle() -> None:
    """Leave statistics and clean pages behind, as a base that has been in use for a day has them."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def main(clients: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    fill(clients)
    settle()
    print(json.dumps({"clients": clients}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
