"""What huey runs: primary keys in, one operation. A lost message costs a minute, for the database is the truth."""

import logging

from django.db import transaction
from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task

from accounts.tasks import QUEUE_FAULTS
from mailings import operations
from mailings.models import ImportJob
from mailings.operations import imports

log = logging.getLogger(__name__)

FIRST = 10
LAST = -10


@db_periodic_task(crontab(minute="*"), priority=FIRST, expires=50)
def each_minute() -> None:
    """Start what is due, end what is over, recover what is stale, and wake the senders of what is left."""
    now = timezone.now()
    for run_id in operations.tick(now):
        deliver_run(run_id)
    for job_id in imports.left_over(now):
        work_on_import(job_id)


@db_task(expires=60)
def deliver_run(run_id: int) -> None:
    """Send a slice of a run, then wake again for the rest."""
    if operations.deliver(run_id):
        deliver_run(run_id)


def wake(*run_ids: int) -> None:
    """Wake the senders once the caller's transaction is through. A queue that is down only means: within a minute."""
    transaction.on_commit(lambda: enqueue(run_ids))


def enqueue(run_ids: tuple[int, ...]) -> None:
    for run_id in run_ids:
        try:
            deliver_run(run_id)
        except QUEUE_FAULTS:
            log.warning("the queue is down; run %s starts with the next minute's task", run_id, exc_info=True)


@db_periodic_task(crontab(hour="3", minute="20"), priority=LAST)
def each_night() -> None:
    """Delete what old imports have left behind."""
    imports.sweep(timezone.now())


@db_task(priority=LAST, expires=60)
def work_on_import(job_id: int) -> None:
    """Check, load or undo a slice of an import, then wake whatever is next: the rest of it, or its owner's next one."""
    for next_id in imports.work(job_id):
        work_on_import(next_id)


def start_import(job: ImportJob) -> None:
    """Do a small import's next step at once, and have a larger one's done by a worker."""
    if imports.is_small(job):
        for next_id in imports.work(job.pk):
            wake_import(next_id)
    else:
        wake_import(job.pk)


def wake_import(job_id: int) -> None:
    transaction.on_commit(lambda: enqueue_import(job_id))


def enqueue_import(job_id: int) -> None:
    try:
        work_on_import(job_id)
    except QUEUE_FAULTS:
        log.warning("the queue is down; import %s goes on with the next minute's task", job_id, exc_info=True)
