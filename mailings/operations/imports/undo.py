"""Undoes an import: removes the clients it added, gives back what it changed, takes off the list whom it put there.

Keeps whom a run has mailed since, and values that somebody has changed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import journal
from mailings.acts import IMPORT_UNDONE
from mailings.models import Client, ClientList, Delivery, ImportedRow, ImportJob
from mailings.operations.imports import base
from mailings.operations.imports.base.fields import as_json
from mailings.operations.imports.compare import CHUNK
from mailings.operations.imports.turn import Status, Turn
from mailings.resources import ClientResource

FIELDS = tuple(ClientResource.fields)


def undo(turn: Turn, until: float, on_chunk: Callable[[ImportJob], None]) -> bool:
    """Undo until the record's end, or until `until` by the monotonic clock, and tell whether there is more.

    :raises LostTurn: another worker has taken over.
    """
    after = 0
    while rows := list(ImportedRow.objects.filter(job=turn.job, client_id__gt=after).order_by("client_id")[:CHUNK]):
        undo_chunk(turn, rows)
        after = rows[-1].client_id
        on_chunk(turn.job)
        if time.monotonic() > until:
            return True
    finish(turn)
    return False


def undo_chunk(turn: Turn, rows: list[ImportedRow]) -> None:
    """Undo some rows and forget them, but for those of clients that stay."""
    job = turn.job
    with transaction.atomic():
        removed, used = remove(job, [row.client_id for row in rows if row.is_new])
        restored, left = restore(job, [row for row in rows if row.changes])
        take_off(job, [row.client_id for row in rows if row.is_listed and not row.is_new])
        undone = [row.client_id for row in rows if row.client_id not in used]
        ImportedRow.objects.filter(job=job, client_id__in=undone).delete()
        turn.advance(removed=job.removed + removed, restored=job.restored + restored, left=job.left + left)


def remove(job: ImportJob, ids: list[int]) -> tuple[int, set[int]]:
    """Delete the clients that no run has picked, and name those that one has."""
    used = set(Delivery.objects.filter(client__in=ids).values_list("client_id", flat=True).distinct())
    doomed = Client.objects.owned_by(job.owner).filter(pk__in=[pk for pk in ids if pk not in used])
    _all, by_model = doomed.delete()
    return by_model.get(Client._meta.label, 0), used


def restore(job: ImportJob, rows: list[ImportedRow]) -> tuple[int, int]:
    """Give back the values that still are what the import made of them; count who had such and who had none."""
    own = Client.objects.owned_by(job.owner).filter(pk__in=[row.client_id for row in rows])
    clients: dict[int, dict[str, Any]] = {
        values["id"]: values for values in own.select_for_update(no_key=True).values("id", *FIELDS)
    }
    restored: list[dict[str, Any]] = []
    names: set[str] = set()
    left = 0
    for row in rows:
        client, changes = clients.get(row.client_id), row.changes or {}
        if client:
            old = {name: was for name, (was, became) in changes.items() if as_json(client[name]) == became}
            names.update(old)
            restored += [client | {name: as_value(name, was) for name, was in old.items()}] if old else []
            left += not old
    base.restore([name for name in FIELDS if name in names], restored)
    return len(restored), left


def as_value(name: str, stored: Any) -> Any:
    return datetime.fromisoformat(stored) if name == "consent_at" and stored else stored


def take_off(job: ImportJob, ids: list[int]) -> None:
    ClientList.clients.through.objects.filter(clientlist=job.client_list_id, client__in=ids).delete()


def finish(turn: Turn) -> None:
    job = turn.job
    with transaction.atomic():
        remove_list(job)
        kept = ImportedRow.objects.filter(job=job).count()
        turn.end(status=Status.UNDONE, undone_at=timezone.now(), kept=kept)
        line = IMPORT_UNDONE(removed=job.removed, restored=job.restored, kept=kept)
        journal.write(job.owner, job, line)


def remove_list(job: ImportJob) -> None:
    """Delete the list that was made for the import, unless somebody has put it to use."""
    if job.is_list_new:
        unused = ClientList.objects.filter(clients=None, mailings=None, excluding_mailings=None)
        unused.filter(pk=job.client_list_id).delete()


def used_since(job: ImportJob) -> int:
    """Count the clients that the import added and a run has mailed since: they stay."""
    added = ImportedRow.objects.filter(job=job, is_new=True).values("client_id")
    return Delivery.objects.filter(client__in=added).order_by().values("client").distinct().count()
