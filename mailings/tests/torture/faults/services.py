"""What happens to the database and to the queue."""

from __future__ import annotations

import signal
import time

from mailings.tests.torture.invariants import IN_HAND
from mailings.tests.torture.sink_link import FOR_EVER
from mailings.tests.torture.stage import Clerk, Stage
from mailings.tests.torture.trial import Violation, wait_for

LETTERS = 1000
FEW = 60
AWAY_SECONDS = 3.0
# So long PostgreSQL lets a transaction stand still (see DATABASES), and some.
IDLE_SECONDS = 25.0


def connections_terminated(stage: Stage) -> None:
    """F5: the server ends our connections; the worker comes back, with its answers."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    for _ in range(3):
        time.sleep(0.5)
        stage.database.end_connections()
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


def end_database(stage: Stage) -> None:
    """Crash the server if it is ours to crash, or else have it end all connections."""
    if stage.services:
        stage.services.crash_postgres()
    else:
        stage.database.end_connections()


def database_ended_at_the_claim(stage: Stage) -> None:
    """F5: the worker's first claim is on its way when the database goes down: it rolls back, and is made again."""
    stage.dismiss()
    trial = stage.trial(letters=LETTERS)
    trial.launch()

    with stage.database.held():
        stage.ensure_worker()
        wait_for(stage.database.is_write_waiting)
        end_database(stage)

    trial.settle_and_check(accepted=LETTERS)


def database_ended_at_the_result(stage: Stage) -> None:
    """F6: letters are answered, and the database goes down as that is being written: nothing is lost or sent again."""
    trial = stage.trial(letters=FEW)
    trial.sink.rules({"stage": "dot", "delay": FOR_EVER})
    stage.ensure_worker()
    trial.launch()
    trial.wait_for_held(5)

    with stage.database.held():
        trial.sink.rules()
        wait_for(stage.database.is_write_waiting)
        end_database(stage)

    trial.settle_and_check(accepted=FEW)


def killed_while_launching(stage: Stage) -> None:
    """F46: whoever launches dies in the middle of it: there is no run at all, and the next launch makes a whole one."""
    trial = stage.trial(letters=LETTERS)
    other = Clerk(stage)

    with stage.database.held():
        other.begin("launch", mailing=trial.mailing)
        wait_for(stage.database.is_write_waiting)
        stage.kill(other.process)
    wait_for(lambda: not stage.database.is_write_waiting())
    found = trial.look()
    if (found["status"], found["states"]) != ("created", {}):
        raise Violation(f"half a launch: {found}")
    stage.ensure_worker()
    trial.launch()

    trial.settle_and_check(accepted=LETTERS)


def stopped_inside_a_transaction(stage: Stage) -> None:
    """F42: a worker that sleeps with locks in its hand loses them before its lease; control does not wait for it."""
    stage.dismiss()
    trial = stage.trial(letters=LETTERS)
    trial.launch()
    with stage.database.held():
        # One thread: what others of it wait for they would get one after the other, and each keep it for as long.
        sleeper = stage.worker(WORKERS="1")
        wait_for(stage.database.is_write_waiting)
        sleeper.send_signal(signal.SIGSTOP)

    began = time.monotonic()
    trial.do("pause")
    trial.do("resume")
    took = time.monotonic() - began
    stage.ensure_worker()
    trial.settle()
    sleeper.send_signal(signal.SIGCONT)
    stage.kill(sleeper)

    trial.check(unknown=IN_HAND)
    if took > IDLE_SECONDS:
        raise Violation(f"the pause waited {took:.0f} s for a worker that slept")


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

    with stage.database.held():
        time.sleep(AWAY_SECONDS)
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
    database_ended_at_the_claim,
    database_ended_at_the_result,
    killed_while_launching,
    killed_while_the_database_is_away,
    queue_flushed,
    queue_down_at_launch,
    queue_restarted_empty,
)
SQLITE = (database_locked,)
LONG = (stopped_inside_a_transaction, database_crashed, queue_killed)
