"""What people do in the middle of a run: pause, switch off, block, delete, unsubscribe, edit."""

from __future__ import annotations

import time

from mailings.tests.torture.invariants import IN_HAND
from mailings.tests.torture.stage import Stage
from mailings.tests.torture.trial import Trial, Violation

LETTERS = 1000
FEW = 200
CONTROL_SECONDS = 2.0


def expect_silence(trial: Trial) -> None:
    """:raises Violation: letters still arrive two seconds after control was taken."""
    time.sleep(CONTROL_SECONDS)
    before = trial.sink.look()["total"]
    time.sleep(0.5)
    if (after := trial.sink.look()["total"]) != before:
        raise Violation(f"{after - before} letters came more than {CONTROL_SECONDS:.0f} s after the control")


def paused_and_resumed(stage: Stage) -> None:
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    trial.do("pause")
    expect_silence(trial)
    trial.sink.rules()
    trial.do("resume")

    trial.settle_and_check(accepted=LETTERS)


def switched_off(stage: Stage) -> None:
    """F34: the rest is cancelled; what was in flight is answered."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    trial.do("switch_off")
    expect_silence(trial)

    trial.settle_and_check()
    if not trial.look()["states"].get("cancelled"):
        raise Violation("nobody was cancelled")


def switched_off_with_the_first_answers(stage: Stage) -> None:
    """F34: the first answers of the hour are written while the mailing's row is locked; neither side may lose."""
    trial = stage.trial(letters=LETTERS)
    trial.sink.rules({"stage": "dot", "delay": 1.0})
    stage.ensure_worker()
    trial.launch()
    trial.wait_for_held(5)

    trial.do("switch_off", slowly=2.5)

    trial.settle_and_check()


def owner_blocked(stage: Stage) -> None:
    """F35: paused with the block; nobody is lost when it is lifted and the mailing resumed."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    trial.do("block")
    expect_silence(trial)
    stage.clerk.minute()
    still = trial.look()
    trial.sink.rules()
    trial.do("unblock")
    trial.do("resume")

    if (still["status"], still["pause"]) != ("paused", "owner_blocked"):
        raise Violation(f"the mailing is {still['status']} {still['pause']}")
    trial.settle_and_check(accepted=LETTERS)


def recipients_gone_and_message_edited(stage: Stage) -> None:
    """F36, F37, F39: a deleted client is cancelled, one who left is suppressed, the run sends what it began with."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()

    trial.do("delete", numbers=[LETTERS - 1, LETTERS - 2])
    trial.do("leave", numbers=[LETTERS - 3, LETTERS - 4, LETTERS - 5])
    trial.do("edit", subject="Forged")
    trial.sink.rules()

    trial.settle_and_check(accepted=LETTERS - 5, cancelled=2, suppressed=3)
    if trial.sink.look()["forged"]:
        raise Violation("letters left with the subject that was edited after the launch")


def addresses_edited_and_people_added(stage: Stage) -> None:
    """F38, F40: a run sends to the addresses it began with, and to nobody who came later."""
    trial = stage.trial(letters=LETTERS)
    trial.launch_slowly()
    moved = [LETTERS - 1, LETTERS - 2]

    trial.do("readdress", numbers=moved, domain="moved.example")
    trial.do("add", count=3)
    trial.sink.rules({"stage": "rcpt", "match": "@moved.example", "say": "550 5.1.1 no such user"})

    trial.settle_and_check(accepted=LETTERS)


def left_while_in_hand(stage: Stage) -> None:
    """F37: everybody unsubscribes while a worker has some in hand: at most their letters, on their way, arrive."""
    trial = stage.trial(letters=FEW)
    trial.launch_slowly(seconds=0.5)

    trial.do("leave", numbers=list(range(FEW)))
    left_at = trial.sink.look()["total"]
    trial.sink.rules()

    states = trial.settle_and_check()["states"]
    if (late := trial.sink.look()["total"] - left_at) > IN_HAND or not states.get("suppressed"):
        raise Violation(f"{late} letters went to people who had left; {states}")


FAULTS = (
    paused_and_resumed,
    switched_off,
    switched_off_with_the_first_answers,
    owner_blocked,
    recipients_gone_and_message_edited,
    addresses_edited_and_people_added,
    left_while_in_hand,
)
