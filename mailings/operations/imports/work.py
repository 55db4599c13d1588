"""Does the next piece of work on an import, whichever it is: check, load or undo a slice of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext

from mailings.formats import BadFile
from mailings.models import ImportJob
from mailings.operations.imports.check import check
from mailings.operations.imports.load import load
from mailings.operations.imports.turn import LostTurn, Status, Turn, as_owner, take
from mailings.operations.imports.undo import undo

# What is done while the person waits for the page, instead of by a worker.
SMALL_ROWS = 500
SMALL_BYTES = 128 * 1024
# How long a worker's thread belongs to one import before others have their turn.
SLICE_SECONDS = 20


def nothing(_job: ImportJob) -> None:
    pass


def work(job_id: int, seconds: float = SLICE_SECONDS, on_chunk: Callable[[ImportJob], None] = nothing) -> list[int]:
    """Take an import in hand for so long, and return the ids to be worked on next: its own, or its owner's next one.

    Whoever finds it in another's hand, or waiting for another one, goes away with nothing.
    """
    turn = take(job_id)
    if turn is None:
        return []
    try:
        with as_owner(turn.job):
            has_more = proceed(turn, time.monotonic() + seconds, on_chunk)
            if has_more:
                turn.end()
    except LostTurn:
        return waiting(turn.job)
    return [job_id] if has_more else waiting(turn.job)


def proceed(turn: Turn, until: float, on_chunk: Callable[[ImportJob], None]) -> bool:
    """Do what the import's state asks for, and tell whether there is more; a bad file ends it with its sentence."""
    job = turn.job
    try:
        if job.status == Status.UNDOING:
            return undo(turn, until, on_chunk)
        with job.file.open("rb") as file:
            if job.status == Status.RUNNING:
                return load(turn, file, until, on_chunk)
            check(turn, file, on_chunk)
    except BadFile as error:
        fail(turn, " ".join(error.messages))
    except FileNotFoundError:
        fail(turn, gettext("The file is no longer here. Upload it again."))
    except (LostTurn, OperationalError, InterfaceError):
        # Where the database is away, the minute's task finds the import again once the lease has run out.
        raise
    except Exception:
        fail(turn, gettext("It broke off through a fault of the program. The log says more."))
        raise
    return False


def fail(turn: Turn, sentence: str) -> None:
    turn.end(status=Status.FAILED, reason=sentence[:500], finished_at=timezone.now())


def waiting(job: ImportJob) -> list[int]:
    """Find the next import of the same owner that waits for its turn."""
    queued = ImportJob.objects.filter(owner=job.owner_id, status=Status.QUEUED).order_by("pk")
    return list(queued.values_list("pk", flat=True)[:1])


def is_small(job: ImportJob) -> bool:
    """Tell whether the next step is done faster than a worker would be there."""
    if job.status == Status.CHECKING:
        return bool(job.file.size <= SMALL_BYTES)
    return max(job.rows, job.undo_rows) <= SMALL_ROWS


def left_over(now: datetime) -> list[int]:
    """Find the imports that a killed worker or a lost queue message left behind."""
    writing = ImportJob.objects.filter(owner=OuterRef("owner"), status__in=ImportJob.WRITING)
    can_go_on = ~Q(status=Status.QUEUED) | ~Exists(writing)
    return list(ImportJob.objects.unattended(now).filter(can_go_on).order_by("pk").values_list("pk", flat=True))
