"""Takes a file of this machine into its owner's base in one go: what the command and the demo do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from accounts.models import User
from mailings.formats import BadFile
from mailings.models import ClientList, ImportJob
from mailings.operations import imports
from mailings.operations.imports.refusal import NothingToLoad
from mailings.operations.imports.row import TOTALS
from mailings.operations.imports.turn import Status
from mailings.resources.columns import why_no_email

__all__ = ["TOTALS", "check_file", "forget", "import_file"]

FOREVER = float("inf")
WAIT_SECONDS = 0.5


def check_file(
    path: Path,
    owner: User,
    *,
    list_name: str = "",
    on_existing: str = "update",
    on_chunk: Callable[[ImportJob], None] = imports.nothing,
) -> ImportJob:
    """Check a file against its owner's base, under the names of its columns.

    :raises ValidationError: nothing of it can be loaded (`BadFile`), or no list can have this name.
    :raises OSError: it cannot be read.
    """
    if list_name:
        ClientList(owner=owner, name=list_name).clean_fields()
    with path.open("rb") as file:
        job = imports.receive(file, path.name, owner)
    try:
        refuse_nameless(job)
        imports.choose(job, [each["target"] for each in job.mapping], list_name=list_name, on_existing=on_existing)
        imports.work(job.pk, FOREVER, on_chunk)
        job.refresh_from_db()
        refuse_failed(job)
    except BadFile:
        forget(job)
        raise
    return job


def refuse_nameless(job: ImportJob) -> None:
    # On the page a person says what the columns mean; here nobody is asked.
    if not job.has_header:
        raise BadFile(why_no_email(job.sample[0]))


def refuse_failed(job: ImportJob) -> None:
    if job.status == Status.FAILED:
        raise BadFile(job.reason)


def import_file(
    path: Path,
    owner: User,
    *,
    list_name: str = "",
    on_existing: str = "update",
    on_chunk: Callable[[ImportJob], None] = imports.nothing,
) -> ImportJob:
    """Check and load a file, wrong rows left out. Waits while another import of this owner is running.

    :raises ValidationError: nothing of it can be loaded (`BadFile`), or no list can have this name.
    :raises OSError: it cannot be read.
    """
    job = check_file(path, owner, list_name=list_name, on_existing=on_existing, on_chunk=on_chunk)
    try:
        imports.queue(job)
    except NothingToLoad:
        return job
    while job.status in ImportJob.IN_WORK:
        imports.work(job.pk, FOREVER, on_chunk)
        job.refresh_from_db()
        if job.status == Status.QUEUED:
            time.sleep(WAIT_SECONDS)
    return job


def forget(job: ImportJob) -> None:
    """Leave nothing behind of a file that was only looked at."""
    job.file.delete(save=False)
    job.delete()
