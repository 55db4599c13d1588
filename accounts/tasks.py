"""What huey runs for people: a primary key in, one letter; and once a day what nobody needs any more is forgotten."""

import logging
import sqlite3

from django.core.management import call_command
from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task
from huey.exceptions import HueyException
from redis.exceptions import RedisError

from accounts import letters, lockout
from accounts.models import ResetRequest

log = logging.getLogger(__name__)

QUEUE_FAULTS = (HueyException, RedisError, sqlite3.Error, OSError)


@db_task(retries=3, retry_delay=60)
def send_reset_letter(user_id: int) -> None:
    letters.send_reset_letter(user_id)


@db_task(retries=3, retry_delay=60)
def send_invitation(user_id: int) -> None:
    letters.send_invitation(user_id)


@db_periodic_task(crontab(hour="3", minute="41"))
def forget_old() -> None:
    """Forget tries at the door, counted requests and sessions that are over. Repeating it does no harm."""
    lockout.forget_old()
    ResetRequest.objects.forget_old()
    call_command("clearsessions")


def send_reset_letter_soon(user_id: int) -> None:
    try:
        send_reset_letter(user_id)
    except QUEUE_FAULTS:
        log.warning("the queue is down; the password letter to user %s is lost and must be asked for again", user_id)


def send_invitation_soon(user_id: int) -> None:
    try:
        send_invitation(user_id)
    except QUEUE_FAULTS:
        log.warning("the queue is down; the invitation to user %s is lost and must be sent again", user_id)
