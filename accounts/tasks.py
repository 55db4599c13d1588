"""What huey runs for people: a primary key in, one letter."""

import logging
import sqlite3

from huey.contrib.djhuey import db_task
from huey.exceptions import HueyException
from redis.exceptions import RedisError

from accounts import letters

log = logging.getLogger(__name__)

QUEUE_FAULTS = (HueyException, RedisError, sqlite3.Error, OSError)


@db_task(retries=3, retry_delay=60)
def send_reset_letter(user_id: int) -> None:
    letters.send_reset_letter(user_id)


def send_reset_letter_soon(user_id: int) -> None:
    try:
        send_reset_letter(user_id)
    except QUEUE_FAULTS:
        log.warning("the queue is down; the password letter to user %s is lost and must be asked for again", user_id)
