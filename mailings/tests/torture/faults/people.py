"""What people do in the middle of a run: pause, switch off, block, delete, unsubscribe, edit."""

from __future__ import annotations

import time

from mailings.tests.torture.stage import Stage
from mailings.tests.torture.trial import Trial, Violation, wait_for

LETTERS = 1000
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


def left_while_in_hand(stage: Stage) -> None:
    """F37: somebody unsubscribes while a worker has him in hand: at most his letter on its way arrives."""
    trial = stage.trial(letters=60)
    trial.launch_slowly(seconds=0.5)
    sending = wait_for(lambda: trial.look()["states"].get("sending", 0))

    trial.do("leave", numbers=list(range(60)))
    trial.sink.rules()

    trial.settle_and_check()
    sent = trial.look()["states"].get("accepted", 0)
    if sent > 15 + sending + 30:
        raise Violation(f"{sent} letters went to people who had left")


FAULTS = (
    paused_and_resumed,
    switched_off,
    switched_off_with_the_first_answers,
    owner_blocked,
    recipients_gone_and_message_edited,
    left_while_in_hand,
)
