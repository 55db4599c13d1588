"""What huey runs: primary keys in, one operation. A lost message costs a minute, for the database is the truth."""

import logging

from django.db import transaction
from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task

from accounts.tasks import QUEUE_FAULTS
from mailings import operations

log = logging.getLogger(__name__)

FIRST = 10


@db_periodic_task(crontab(minute="*"), priority=FIRST, expires=50)
def each_minute() -> None:
    """Start what is due, end what is over, recover what is stale, and wake the senders of what is left."""
    for run_id in operations.tick(timezone.now()):
        deliver_run(run_id)


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
