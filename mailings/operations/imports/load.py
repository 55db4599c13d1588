"""Loads a checked import into its owner's base, chunk by chunk. A chunk's clients, the record of what was done to each
and how far the file is read are one transaction, so that a killed worker's successor goes on exactly there.

Never revives a suppressed address, empties no value by a blank cell, and neither touches nor reveals another's rows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib.admin.models import ADDITION
from django.db import transaction
from django.utils import timezone

from accounts import journal
from mailings.acts import IMPORTED
from mailings.formats import Record
from mailings.models import ClientList, ImportJob, RejectedRow
from mailings.operations.imports import base
from mailings.operations.imports.check import COUNTED, count, keep_rejected
from mailings.operations.imports.compare import CHUNK, Comparison
from mailings.operations.imports.row import Kind, Row
from mailings.operations.imports.turn import Status, Turn

# Let the database look at what has come in when it is so much more than before.
SETTLE_AFTER = 20_000


def load(turn: Turn, file: Any, until: float, on_chunk: Callable[[ImportJob], None]) -> bool:
    """Load until the file's end, or until `until` by the monotonic clock, and tell whether there is more.

    :raises BadFile: the file can no longer be read; what was loaded stays, and can be undone.
    :raises LostTurn: it was stopped, or another worker has taken over.
    """
    comparison = Comparison(turn.job, file)
    comparison.skip(turn.job.progress)
    settled = Settled(turn.job)
    for records in comparison.chunks():
        load_chunk(turn, comparison, records)
        settled.look()
        on_chunk(turn.job)
        if time.monotonic() > until:
            return True
    settled.end()
    finish(turn)
    return False


def load_chunk(turn: Turn, comparison: Comparison, records: list[Record]) -> None:
    rejected = rejected_before(turn.job, records)
    rows = [comparison.clean(record) for record in records if record[0] not in rejected]
    with transaction.atomic():
        good = [row for row in rows if row.is_good]
        client_list = list_of(turn, good)
        while good:
            comparison.compare(good, locks=True)
            to_write = [row for row in good if row.is_good and (client_list or row.kind != Kind.UNCHANGED)]
            # Who was added by hand in this very moment is compared again, as one who is there.
            good = base.write(turn.job, client_list, comparison.names, to_write)
        keep_rejected(turn.job, rows)
        totals = count(rows) + Counter(rejected.values())
        totals["progress"] = len(records)
        turn.advance(**{name: getattr(turn.job, name) + totals[name] for name in COUNTED})


def rejected_before(job: ImportJob, records: list[Record]) -> dict[int, str]:
    """Find the lines among these that the check has rejected, with the kind of each."""
    between = (records[0][0], records[-1][0])
    return dict(RejectedRow.objects.filter(job=job, line__range=between).values_list("line", "kind"))


def list_of(turn: Turn, rows: list[Row]) -> ClientList | None:
    """Find the list that the rows go onto, so that nobody deletes it meanwhile; make it if there are any and it is not
    there.
    """
    job = turn.job
    if not job.list_name or not rows:
        return None
    lists: Any = ClientList.objects.owned_by(job.owner)
    found: ClientList | None = lists.select_for_update(no_key=True).filter(pk=job.client_list_id).first()
    if not found:
        found, is_new = lists.get_or_create(owner=job.owner, name=job.list_name)
        turn.advance(client_list=found, is_list_new=is_new)
    return found


def finish(turn: Turn) -> None:
    job = turn.job
    with transaction.atomic():
        turn.end(status=Status.COMPLETED, finished_at=timezone.now())
        rejected = job.wrong + job.repeated
        line = IMPORTED(new=job.new, changed=job.changed, rejected=rejected, rows=job.rows)
        journal.write(job.owner, job, line, ADDITION)


class Settled:
    """Knows how much the database has not looked at yet."""

    def __init__(self, job: ImportJob) -> None:
        self.job = job
        self.looked_at = job.new
        if job.rows > CHUNK:
            base.settle()

    def look(self) -> None:
        if self.job.new - self.looked_at > max(SETTLE_AFTER, self.looked_at):
            self.end()

    def end(self) -> None:
        if self.job.new - self.looked_at > CHUNK:
            base.settle()
            self.looked_at = self.job.new
