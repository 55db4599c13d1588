"""Takes a file of clients into its owner's base: checks it without writing, then loads its good rows, all or none.

Never revives a suppressed address, empties no value by a blank cell, and neither touches nor reveals another's rows.
"""

from __future__ import annotations

import uuid
import zoneinfo
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import IO, Any

from django.contrib.admin.models import ADDITION, LogEntry
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from mailings.formats import BadFile, Table, read_table
from mailings.models import Client, ClientList, ImportJob
from mailings.operations.compare_clients import GOOD, Comparison, Kind, Row
from mailings.operations.refusal import NotPossible
from mailings.resources import ClientResource, Columns

FIRST_ROWS = 20
TOTALS = (*(kind.value for kind in Kind), "suppressed", "rows")


class AlreadyLoaded(NotPossible):
    sentence = _("This file has been loaded already.")


@dataclass
class Report:
    """What a file holds and what loading it does: totals by kind, the first rows, and those that stay out."""

    table: Table
    columns: Columns
    totals: Counter[str] = field(default_factory=Counter)
    first: list[Row] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def add(self, rows: list[Row]) -> None:
        self.totals.update(row.kind.value for row in rows)
        self.totals["suppressed"] += sum(row.is_suppressed for row in rows)
        self.totals["rows"] += len(rows)
        self.first += [row for row in rows if row.is_good][: FIRST_ROWS - len(self.first)]
        self.rejected += [rejection for row in rows for rejection in rejections(row)]

    @property
    def summary(self) -> dict[str, int]:
        return {name: self.totals[name] for name in TOTALS}

    @property
    def good(self) -> int:
        return sum(self.totals[kind] for kind in GOOD)

    @property
    def to_write(self) -> int:
        return self.totals[Kind.NEW] + self.totals[Kind.CHANGED]


def rejections(row: Row) -> list[dict[str, Any]]:
    return [
        {"line": row.line, "column": fault.column, "value": fault.value, "reason": fault.reason} for fault in row.faults
    ]


def check(file: IO[bytes], name: str, owner: User) -> Report:
    """Compare a file with the owner's base. Writes nothing.

    :raises BadFile: nothing of it can be loaded.
    """
    with timezone.override(zoneinfo.ZoneInfo(owner.time_zone)):
        table = read_table(file, name)
        resource = ClientResource(owner)
        comparison = Comparison(table, resource, resource.get_queryset())
        report = Report(table, comparison.columns)
        for rows in comparison:
            report.add(rows)
    return report


def keep(file: IO[bytes], name: str, owner: User, report: Report, list_name: str = "") -> ImportJob:
    """Keep a checked file to be loaded when its owner says so, onto his list of that name if there is one to be."""
    columns = {field: report.columns.header(field) for field in report.columns.places}
    job = ImportJob(
        owner=owner,
        file_name=name[:200],
        mapping={"columns": columns, "ignored": report.columns.ignored, "list": list_name},
        client_list=ClientList.objects.owned_by(owner).filter(name=list_name).first() if list_name else None,
        rejected_rows=report.rejected,
        **report.summary,
    )
    file.seek(0)
    # The name that people gave the file stays in the table; on the disk it could name anything.
    job.file.save(f"{uuid.uuid4().hex}{PurePath(name).suffix[:5]}", File(file), save=False)
    job.save()
    return job


def load(job: ImportJob) -> None:
    """Write the good rows of a checked file, in one transaction, and record what became of each row.

    :raises AlreadyLoaded: it has been, or is being, loaded.
    :raises BadFile: the file can no longer be read; nothing is written.
    """
    try:
        with transaction.atomic(), timezone.override(zoneinfo.ZoneInfo(job.owner.time_zone)):
            claim(job)
            finish(job, write(job))
    except (BadFile, FileNotFoundError) as error:
        ImportJob.objects.filter(pk=job.pk).update(status=ImportJob.Status.FAILED, finished_at=timezone.now())
        if isinstance(error, BadFile):
            raise
        raise BadFile(_("The file is no longer here. Upload it again.")) from error


def import_file(path: Path, owner: User, *, list_name: str = "") -> ImportJob:
    """Check and load a file of this machine in one go.

    :raises ValidationError: nothing of it can be loaded (`BadFile`), or no list can have this name.
    :raises OSError: it cannot be read.
    """
    if list_name:
        ClientList(owner=owner, name=list_name).clean_fields()
    with path.open("rb") as file:
        job = keep(file, path.name, owner, check(file, path.name, owner), list_name)
    load(job)
    return job


def claim(job: ImportJob) -> None:
    """:raises AlreadyLoaded: somebody was quicker, a second click for instance."""
    # One import of an owner at a time: two that update the same clients in different order would block each other.
    User.objects.select_for_update(no_key=True).get(pk=job.owner_id)
    checked = ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKED)
    if not checked.update(status=ImportJob.Status.RUNNING):
        raise AlreadyLoaded


def write(job: ImportJob) -> Report:
    resource = ClientResource(job.owner)
    client_list = list_of(job)
    with job.file.open("rb") as file:
        comparison = Comparison(read_table(file, job.file_name), resource, resource.get_queryset().select_for_update())
        report = Report(comparison.table, comparison.columns)
        for rows in comparison:
            upsert(job.owner, comparison.columns, [row for row in rows if row.kind in (Kind.NEW, Kind.CHANGED)])
            if client_list:
                put_on(client_list, [row.email for row in rows if row.is_good])
            report.add(rows)
    job.client_list = client_list
    return report


def list_of(job: ImportJob) -> ClientList | None:
    """Find the list that the rows go onto; one that was deleted or never made is made, if it gets any."""
    name = job.mapping.get("list", "")
    if job.client_list or not name or not (job.new + job.changed + job.unchanged):
        return job.client_list
    return ClientList.objects.get_or_create(owner=job.owner, name=name)[0]


def upsert(owner: User, columns: Columns, rows: Iterable[Row]) -> None:
    """Insert or update on (owner, e-mail), only the columns that the file has."""
    clients = [as_client(owner, row) for row in rows]
    names = [name for name in columns.places if name != "email"]
    if not names:
        Client.objects.bulk_create(clients, ignore_conflicts=True)
        return
    Client.objects.bulk_create(clients, update_conflicts=True, unique_fields=("owner", "email"), update_fields=names)


def as_client(owner: User, row: Row) -> Client:
    if row.client is None:
        return Client(owner=owner, **row.values)
    kept = {name: getattr(row.client, name) for name in ClientResource.fields}
    return Client(owner=owner, **kept | row.changes)


def put_on(client_list: ClientList, emails: list[str]) -> None:
    members = ClientList.clients.through
    ids = Client.objects.filter(owner=client_list.owner_id, email__in=emails).values_list("pk", flat=True)
    members.objects.bulk_create(
        [members(clientlist_id=client_list.pk, client_id=pk) for pk in ids], ignore_conflicts=True
    )


def finish(job: ImportJob, report: Report) -> None:
    for name, count in report.summary.items():
        setattr(job, name, count)
    job.progress = job.rows
    job.rejected_rows = report.rejected
    job.status = ImportJob.Status.COMPLETED
    job.finished_at = timezone.now()
    job.save(update_fields=[*TOTALS, "progress", "rejected_rows", "status", "finished_at", "client_list"])
    record(job)


def record(job: ImportJob) -> None:
    """Write one line of the journal, without addresses."""
    sentence = gettext("Loaded clients: %(new)s new, %(changed)s changed, %(wrong)s wrong of %(rows)s rows.")
    LogEntry.objects.log_actions(
        job.owner_id, [job], ADDITION, change_message=sentence % job.__dict__, single_object=True
    )
