"""What a person asks of an import: load it, stop it, go on, undo it. The work is done by whoever takes it next."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import journal
from mailings.acts import IMPORT_STOPPED
from mailings.models import ImportedRow, ImportJob
from mailings.operations.imports.check import COUNTED
from mailings.operations.imports.refusal import (
    AlreadyLoaded,
    AnotherIsRunning,
    NotChecked,
    NothingToLoad,
    NothingToUndo,
    NotLoading,
    NotStopped,
    RowsAreWrong,
    TooOldToUndo,
)
from mailings.operations.imports.turn import Status


def queue(job: ImportJob, *, skips_wrong: bool = True) -> None:
    """Let a checked import be loaded when its turn comes.

    :raises NotPossible: it is not checked, has nothing to load, or has wrong rows that nobody said to leave out.
    """
    if job.status in (Status.UPLOADED, Status.CHECKING):
        raise NotChecked
    if job.status == Status.CHECKED and not job.good:
        raise NothingToLoad
    if job.status == Status.CHECKED and job.wrong and not skips_wrong:
        raise RowsAreWrong
    checked = ImportJob.objects.filter(pk=job.pk, status=Status.CHECKED)
    # From here on the sums are of what is done, no longer of what would be.
    if not checked.update(status=Status.QUEUED, started_at=timezone.now(), **dict.fromkeys(COUNTED, 0)):
        raise AlreadyLoaded
    job.refresh_from_db()


def stop(job: ImportJob) -> None:
    """Stop loading; the chunk in hand is not written.

    :raises NotLoading: it is not waiting and not running.
    """
    loading = ImportJob.objects.filter(pk=job.pk, status__in=(Status.QUEUED, Status.RUNNING))
    stopped = {"claim_token": None, "lease_until": None, "finished_at": timezone.now()}
    if not loading.update(status=Status.STOPPED, **stopped):
        raise NotLoading
    job.refresh_from_db()
    journal.write(job.owner, job, IMPORT_STOPPED(n=job.not_loaded))


def resume(job: ImportJob) -> None:
    """Load the rest of an import that was stopped.

    :raises NotStopped: it was not.
    """
    stopped = ImportJob.objects.filter(pk=job.pk, status=Status.STOPPED)
    if not stopped.update(status=Status.QUEUED, finished_at=None):
        raise NotStopped
    job.refresh_from_db()


def start_undo(job: ImportJob) -> None:
    """Begin to undo what an import did.

    :raises NotPossible: it did nothing, or too long ago, or another one is running.
    """
    rows = ImportedRow.objects.filter(job=job).count()
    if not rows:
        raise NothingToUndo
    if timezone.now() > job.can_be_undone_until:
        raise TooOldToUndo
    ended = ImportJob.objects.filter(pk=job.pk, status__in=ImportJob.ENDED)
    try:
        with transaction.atomic():
            begun = ended.update(status=Status.UNDOING, undo_rows=job.removed + job.restored + rows)
    except IntegrityError as error:
        raise AnotherIsRunning from error
    if not begun:
        raise NothingToUndo
    job.refresh_from_db()


def can_be_undone(job: ImportJob) -> bool:
    is_young = timezone.now() <= job.can_be_undone_until
    return is_young and job.status in ImportJob.ENDED and ImportedRow.objects.filter(job=job).exists()
