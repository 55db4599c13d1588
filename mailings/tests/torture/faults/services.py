"""What happens to the database and to the queue."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from urllib.parse import urlsplit

from mailings.tests.torture.invariants import IN_HAND
from mailings.tests.torture.stage import Stage
from mailings.tests.torture.trial import Violation, wait_for

LETTERS = 1000
AWAY_SECONDS = 3.0


def connections_terminated(stage: Stage) -> None:
    """F5: the server ends our connections; the worker comes back, with its answers."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    for _ in range(3):
        time.sleep(0.5)
        stage.end_connections()
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)


def database_away(stage: Stage) -> None:
    """F6: the database is away when results are to be written: they are kept, and nothing is sent again."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    stage.proxies["DATABASE_URL"].shut()
    time.sleep(AWAY_SECONDS)
    stage.proxies["DATABASE_URL"].open()
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)


def commits_answer_lost(stage: Stage) -> None:
    """F5: what was asked for is committed and the line breaks before we hear of it."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly(seconds=0.02)
    door = stage.proxies["DATABASE_URL"]

    for number in range(1, 4):
        door.lose_answer()
        wait_for(lambda number=number: door.cuts >= number)
        time.sleep(1.5)
    trial.sink.rules()

    door.cuts = 0
    trial.settle_and_check(accepted=LETTERS)


def killed_while_the_database_is_away(stage: Stage) -> None:
    """F7: the worker dies with its answers: they are unknown, and no more than it had in hand."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    stage.proxies["DATABASE_URL"].shut()
    time.sleep(1)
    stage.dismiss()
    stage.proxies["DATABASE_URL"].open()
    trial.sink.rules()
    stage.ensure_worker()

    trial.settle_and_check(unknown=IN_HAND)


def queue_flushed(stage: Stage) -> None:
    """F8: the queue loses everything; the next minute finds what is left."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    stage.flush_queue()
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)


def queue_down_at_launch(stage: Stage) -> None:
    """F9: the launch is made all the same, and starts within a minute."""
    trial = stage.trial()
    stage.ensure_worker()
    stage.proxies["REDIS_URL"].shut()

    trial.launch()
    stage.proxies["REDIS_URL"].open()

    trial.settle_and_check(accepted=60)


def queue_restarted_empty(stage: Stage) -> None:
    """F10: the queue goes away in the middle of a run and comes back empty; the worker survives it."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()
    worker = stage.ensure_worker()

    stage.proxies["REDIS_URL"].shut()
    time.sleep(AWAY_SECONDS)
    stage.flush_queue()
    stage.proxies["REDIS_URL"].open()
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)
    if worker.poll() is not None:
        raise Violation("the worker ended with the queue")


def database_locked(stage: Stage) -> None:
    """Another process writes to SQLite for a while; the worker waits for its turn."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    with contextlib.closing(sqlite3.connect(urlsplit(stage.database_url).path, isolation_level=None)) as link:
        link.execute("BEGIN IMMEDIATE")
        time.sleep(AWAY_SECONDS)
        link.execute("ROLLBACK")
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)


def database_crashed(stage: Stage) -> None:
    """F5, F6: the server itself is killed and recovers, twice in a run: what it confirmed is there, and no more."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly(seconds=0.1)

    for _ in range(2):
        stage.services.crash_postgres()
        time.sleep(2)
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)


def queue_killed(stage: Stage) -> None:
    """F8: Redis itself is killed in a run and comes back with nothing."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    stage.services.kill_redis()
    time.sleep(AWAY_SECONDS)
    stage.services.start_redis()
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS)


FAULTS = (
    connections_terminated,
    database_away,
    commits_answer_lost,
    killed_while_the_database_is_away,
    queue_flushed,
    queue_down_at_launch,
    queue_restarted_empty,
)
SQLITE = (database_locked,)
LONG = (database_crashed, queue_killed)
