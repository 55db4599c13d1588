"""Takes an uploaded file in: reads its head, tells its columns, keeps it under a name of its own. Loads nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import islice
from pathlib import PurePath
from typing import IO

from django.core.exceptions import ValidationError
from django.core.files import File

from accounts.models import User
from mailings.formats import Reading, Table, read_table
from mailings.models import ClientList, ImportJob
from mailings.models.address import normalise_address
from mailings.operations.imports.check import storable
from mailings.operations.imports.compare import columns_of
from mailings.operations.imports.refusal import NotChoosable
from mailings.operations.imports.turn import Status
from mailings.resources import columns as names

SAMPLE_ROWS = 5
SHOWN = 80  # characters of a cell
# In how many of the owner's last imports his choice for a column of the same name is looked for.
REMEMBERED = 50


def receive(file: IO[bytes], name: str, owner: User, language: str = "") -> ImportJob:
    """Keep a file whose columns are still to be chosen.

    :raises BadFile: nothing can be read of it.
    """
    job = ImportJob(owner=owner, file_name=storable(name)[-200:], language=language)
    describe(job, file, Reading())
    if is_client([each["header"] for each in job.mapping]):
        describe(job, file, Reading(has_header=False))
    file.seek(0)
    # The name that people gave the file stays in the table; on the disk it could name anything.
    job.file.save(f"{uuid.uuid4().hex}{PurePath(name).suffix[:5]}", File(file), save=False)
    job.save()
    return job


def reread(job: ImportJob, reading: Reading) -> None:
    """Read the head of a kept file another way, as a person says.

    :raises BadFile: it cannot be read so.
    """
    with job.file.open("rb") as file:
        describe(job, file, reading)
    described = ("encoding", "delimiter", "has_header", "sheet", "sample", "mapping")
    held = ImportJob.objects.filter(pk=job.pk, status__in=(Status.UPLOADED, Status.CHECKED))
    held.update(**{name: getattr(job, name) for name in described}, status=Status.UPLOADED)


def describe(job: ImportJob, file: IO[bytes], reading: Reading) -> None:
    """Write down how a file is read, its first rows, and what its columns mean by the look of them."""
    table = read_table(file, job.file_name, reading)
    job.encoding, job.delimiter, job.sheet = table.encoding, table.delimiter, storable(table.sheet)[:100]
    job.has_header = reading.has_header
    headers = [storable(header)[:SHOWN] for header in table.headers]
    job.sample = sample(table)
    targets = names.guess(headers, remembered(job.owner) if job.has_header else {})
    job.mapping = as_mapping(headers, with_addresses(targets, job.sample))


def is_client(headers: list[str]) -> bool:
    """Tell whether the line where column names should stand is a client already."""
    return any("@" in header for header in headers) and not any(names.guess(headers))


def as_mapping(headers: Sequence[str], targets: Sequence[str]) -> list[dict[str, str]]:
    return [{"header": header, "target": target} for header, target in zip(headers, targets, strict=True)]


def sample(table: Table) -> list[list[str]]:
    rows = [cells for _line, cells in islice(table.rows, SAMPLE_ROWS)]
    return [[storable(cell[:SHOWN]) for cell in cells[: len(table.headers)]] for cells in rows]


def with_addresses(targets: list[str], rows: list[list[str]]) -> list[str]:
    """Take the column that is full of addresses for theirs, where none is called so."""
    if "email" in targets:
        return targets
    for place, target in enumerate(targets):
        cells = [row[place] for row in rows if place < len(row)]
        if not target and cells and sum(map(is_address, cells)) * 2 > len(rows):
            return [*targets[:place], "email", *targets[place + 1 :]]
    return targets


def is_address(text: str) -> bool:
    try:
        normalise_address(text)
    except ValidationError:
        return False
    return True


def remembered(owner: User) -> dict[str, str]:
    """Tell what the owner chose for the columns of his last files, by their names; the newest choice counts."""
    last = ImportJob.objects.owned_by(owner).filter(has_header=True).exclude(status=Status.UPLOADED)
    choices: dict[str, str] = {}
    for mapping in last.order_by("-pk").values_list("mapping", flat=True)[:REMEMBERED]:
        for each in mapping:
            choices.setdefault(names.squeeze(each["header"]), each["target"])
    choices.pop("", None)
    return choices


def choose(
    job: ImportJob, targets: Sequence[str], *, on_existing: str = "update", list_name: str = "", corrects: bool = False
) -> None:
    """Settle what the columns mean and what to do with clients that are there; the check comes next.

    :raises BadFile: the columns do not do.
    :raises NotChoosable: it is being loaded, or has been.
    """
    headers = [each["header"] for each in job.mapping]
    mapping = as_mapping(headers, targets)
    names.check(columns_of(ImportJob(mapping=mapping)))
    lists = ClientList.objects.owned_by(job.owner)
    chosen = ImportJob.objects.filter(pk=job.pk, status__in=(Status.UPLOADED, Status.CHECKED)).update(
        mapping=mapping,
        on_existing=on_existing,
        list_name=list_name,
        client_list=lists.filter(name=list_name).first() if list_name else None,
        corrects=corrects,
        status=Status.CHECKING,
        progress=0,
    )
    if not chosen:
        raise NotChoosable
    job.refresh_from_db()


def correct(job: ImportJob) -> None:
    """Check it again with likely addresses in the place of mistyped ones.

    :raises NotChoosable: it is being loaded, or has been.
    """
    targets = [each["target"] for each in job.mapping]
    choose(job, targets, on_existing=job.on_existing, list_name=job.list_name, corrects=True)
