"""Says of the rows of a file what loading them would do in their owner's base. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import IO

from django.core.exceptions import ValidationError

from mailings.formats import Reading, Record, Table, read_table
from mailings.models import ImportJob
from mailings.operations.imports import base
from mailings.operations.imports.row import Kind, Row
from mailings.resources import Columns, Fault, RowCleaner, changes, takes_back_consent

CHUNK = 2_000


class Comparison:
    """One walk through an import's file."""

    def __init__(self, job: ImportJob, file: IO[bytes]) -> None:
        self.job = job
        self.table: Table = read_table(file, job.file_name, Reading(job.encoding, job.delimiter, job.has_header))
        self.columns = columns_of(job)
        self.cleaner = RowCleaner(self.columns, corrects=job.corrects)
        self.updates = job.on_existing == ImportJob.OnExisting.UPDATE

    @property
    def names(self) -> list[str]:
        """Name the fields that the file may change."""
        return [*self.columns.places, *(["attributes"] if self.columns.attributes else [])]

    def skip(self, count: int) -> None:
        """Pass over rows without a look at them."""
        next(islice(self.table.rows, count, count), None)

    def chunks(self) -> Iterator[list[Record]]:
        """:raises BadFile: the file breaks off on the way."""
        while chunk := list(islice(self.table.rows, CHUNK)):
            yield chunk

    def clean(self, record: Record) -> Row:
        """Tell a wrong row from a good one, which is new until the base says otherwise."""
        line, cells = record
        cleaned = self.cleaner.clean(cells)
        kind = Kind.WRONG if cleaned.faults else Kind.NEW
        return Row(line, cells, kind, cleaned.values, cleaned.faults, likely=cleaned.likely)

    def compare(self, rows: list[Row], *, locks: bool = False) -> None:
        """Hold good rows against the base."""
        emails = [row.email for row in rows]
        clients = base.known(self.job.owner_id, emails, locks=locks)
        suppressed = base.suppressed(self.job.owner_id, emails)
        for row in rows:
            row.is_suppressed = row.email in suppressed
            row.client = clients.get(row.email)
            if row.client:
                self.judge(row)

    def judge(self, row: Row) -> None:
        """Find what the row would change in a client there is already."""
        assert row.client is not None
        row.kind = Kind.UNCHANGED
        if not self.updates:
            return
        try:
            row.changes = changes(row.client, row.values)
        except ValidationError as error:
            row.reject(Kind.WRONG, [Fault(self.header_of_attributes(), "", " ".join(error.messages))])
            return
        row.keeps_consent = takes_back_consent(row.client, row.values)
        if row.changes:
            row.kind = Kind.CHANGED

    def header_of_attributes(self) -> str:
        places = [*self.columns.attributes.values(), *([self.columns.places.get("attributes", -1)])]
        return self.columns.headers[places[0]]


def columns_of(job: ImportJob) -> Columns:
    return Columns([each["header"] for each in job.mapping], [each["target"] for each in job.mapping])
