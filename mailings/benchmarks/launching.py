"""Fixes the recipients of the one mailing there is: by `operations.launch`, or by the barest statement that can.

`python -m mailings.benchmarks.launching ours|bare`, with the environment of the product. Both write the same rows into
the same table with the same indexes and end with a commit; the bare one takes all clients and asks nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time

import django
from django.db import connection

BARE = """
INSERT INTO mailings_delivery (owner_id, run_id, client_id, address, state, reason, tries, message_id)
SELECT owner_id, %s, id, email, 'pending', '', 0, gen_random_uuid() FROM mailings_client ORDER BY id
"""


def launch() -> float:
    from mailings import operations  # noqa: PLC0415  Django has to be ready
    from mailings.models import Mailing  # noqa: PLC0415

    mailing = Mailing.objects.select_related("owner").get()
    started = time.perf_counter()
    operations.launch(mailing.pk, mailing.owner)
    return time.perf_counter() - started


def insert() -> float:
    from mailings.models import Mailing, Run  # noqa: PLC0415  Django has to be ready

    mailing = Mailing.objects.get()
    run = Run.objects.create(owner_id=mailing.owner_id, mailing=mailing, trigger=Run.Trigger.BY_HAND, snapshot={})
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(BARE, [run.pk])
    return time.perf_counter() - started


def main(way: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from mailings.models import Delivery  # noqa: PLC0415  Django has to be ready

    seconds = {"ours": launch, "bare": insert}[way]()
    print(json.dumps({"seconds": seconds, "rows": Delivery.objects.count()}))


if __name__ == "__main__":
    main(sys.argv[1])
