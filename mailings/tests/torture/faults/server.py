"""What the mail server does: away, refusing, deferring, hanging up, slow."""

from __future__ import annotations

from typing import Any

from mailings.tests.authority import make_certificate
from mailings.tests.torture.stage import Stage
from mailings.tests.torture.trial import Trial, Violation, wait_for

LETTERS = 60
DRAWN_OUT = f"250 2.0.0 {'k' * 500}"
# More than the sockets of both sides can hold.
MANY_TIMES, FEW = 6000, 5


def meet(stage: Stage, *rules: dict[str, Any]) -> Trial:
    """Launch a mailing to a server that errs by these rules."""
    trial = stage.trial(letters=LETTERS)
    trial.sink.rules(*rules)
    stage.ensure_worker()
    trial.launch()
    return trial


def wait_for_pause(trial: Trial, reason: str, seconds: float = 30) -> None:
    """Wait until the mailing is paused for that reason with nobody burned; then the server is well again.

    :raises Violation: it is paused for another one, or somebody was refused.
    """
    found = wait_for(lambda: (look := trial.look())["status"] == "paused" and look, seconds)
    trial.wait_for_quiet()
    if found["pause"] != reason or found["states"].get("refused"):
        raise Violation(f"paused for {found['pause']}, not {reason}: {found['detail']}; {found['states']}")
    trial.sink.ask("open")
    trial.sink.rules()


def connection_refused(stage: Stage) -> None:
    """F11: nobody is burned, the mailing waits and goes on by itself."""
    trial = stage.trial()
    trial.sink.ask("close")
    stage.ensure_worker()
    trial.launch()

    wait_for_pause(trial, "connection")

    trial.settle_and_check(accepted=LETTERS)


def busy_greeting(stage: Stage) -> None:
    """F12: 421 instead of a greeting."""
    trial = meet(stage, {"stage": "greeting", "say": "421 4.3.2 too busy", "close": True})

    wait_for_pause(trial, "connection")

    trial.settle_and_check(accepted=LETTERS)


def busy_in_the_middle(stage: Stage) -> None:
    """F12: 421 at RCPT now and then; the letter goes over another connection."""
    trial = meet(stage, {"stage": "rcpt", "say": "421 4.3.2 closing", "close": True, "every": 9})

    trial.settle_and_check(accepted=LETTERS)


def busy_after_the_dot(stage: Stage) -> None:
    """F12: 421 after the final dot is no yes; the letter is tried again, and the server has it once."""
    trial = meet(stage, {"stage": "dot", "say": "421 4.3.2 closing", "close": True, "keep": False, "times": 3})

    trial.settle_and_check(unknown=3)


def dropped_at_rcpt(stage: Stage) -> None:
    """F13: nothing was transmitted, so all are sent."""
    trial = meet(stage, {"stage": "rcpt", "close": True, "every": 7, "times": 5})

    trial.settle_and_check(accepted=LETTERS)


def dropped_before_the_text(stage: Stage) -> None:
    """F14: hung up at DATA."""
    trial = meet(stage, {"stage": "data", "close": True, "every": 7, "times": 5})

    trial.settle_and_check(accepted=LETTERS)


def dropped_in_the_text(stage: Stage) -> None:
    """F14: hung up with the whole letter on its way: unknown, for nobody can tell this from the next case."""
    trial = meet(stage, {"stage": "text", "every": 7, "times": 5})

    trial.settle_and_check(unknown=5)


def dropped_in_a_large_text(stage: Stage) -> None:
    """F14: hung up when the final dot cannot have left yet: nobody is unknown, and all are sent."""
    trial = stage.trial(letters=FEW, times=MANY_TIMES)
    trial.sink.rules({"stage": "text", "times": 2})
    stage.ensure_worker()
    trial.launch()

    trial.settle_and_check(accepted=FEW)


def dropped_after_the_dot(stage: Stage) -> None:
    """F15: hung up after the final dot without keeping the letter: unknown, for nobody can tell it from the next."""
    trial = meet(stage, {"stage": "dot", "close": True, "keep": False, "every": 10, "times": 3})

    trial.settle_and_check(unknown=3, accepted=LETTERS - 3)


def dropped_after_keeping(stage: Stage) -> None:
    """F15: hung up after keeping the letter: unknown, and not sent again."""
    trial = meet(stage, {"stage": "dot", "close": True, "every": 10, "times": 3})

    trial.settle_and_check(unknown=3, accepted=LETTERS - 3)


def sent_again_to_unknown(stage: Stage) -> None:
    """F45: only a person sends to the unknown again, once."""
    trial = meet(stage, {"stage": "dot", "close": True, "keep": False, "times": 3})
    trial.settle()
    before = trial.sink.look()["total"]
    trial.sink.rules()

    count = trial.do("send_again")
    trial.settle()

    total, states = trial.sink.look()["total"], trial.look()["states"]
    taken = trial.sink.taken()
    if (count, total - before, states, max(taken.values())) != (3, 3, {"accepted": LETTERS}, 1):
        raise Violation(f"again to {count}: {total - before} letters more, {states}")


def late_answer(stage: Stage) -> None:
    """F16: an answer that comes late but in time is an answer."""
    trial = meet(stage, {"stage": "dot", "delay": 1.0, "every": 6})

    trial.settle_and_check(accepted=LETTERS)


def answer_after_the_timeout(stage: Stage) -> None:
    """F16, F23: a yes comes, or is still coming, after we gave up (Policy.dot_seconds): unknown, never sent twice."""
    trial = meet(
        stage,
        {"stage": "dot", "delay": 330.0, "times": 1},
        {"stage": "dot", "say": DRAWN_OUT, "drip": 1.0, "times": 1},
    )

    trial.settle(seconds=450)
    trial.check(unknown=2, accepted=LETTERS - 2)


def octet_by_octet(stage: Stage) -> None:
    """F23: a server that drips its words is only slow, as long as each comes in time."""
    drips = [{"stage": name, "drip": 0.02, "times": 3} for name in ("greeting", "ehlo", "rcpt", "dot")]
    trial = meet(stage, *drips)

    trial.settle_and_check(accepted=LETTERS)


def greeting_for_ever(stage: Stage) -> None:
    """F23: a greeting that never ends is given up (Policy.dialogue_seconds) as if there were no server."""
    trial = meet(stage, {"stage": "greeting", "say": f"220 {'k' * 500}", "drip": 1.0})

    wait_for_pause(trial, "connection", seconds=100)

    trial.settle_and_check(accepted=LETTERS)


def deferred_once(stage: Stage) -> None:
    """F17: 451 once, then taken: two attempts."""
    trial = meet(stage, {"stage": "rcpt", "say": "451 4.2.0 later", "every": 6, "times": 5})

    ledger = trial.settle_and_check(accepted=LETTERS)

    if sum(count for _pk, outcome, count in ledger["attempts"] if outcome == "deferred") != 5:
        raise Violation(f"not five deferrals: {ledger['attempts']}")


def deferred_for_ever(stage: Stage) -> None:
    """F18: 451 for ever: refused at the last try, never stuck."""
    trial = meet(stage, {"stage": "rcpt", "match": ".1@", "say": "451 4.2.0 later"})

    trial.settle_and_check(accepted=LETTERS - 1, refused=1)


def refused_for_good(stage: Stage) -> None:
    """F19: 550 at RCPT and at the end of the text: refused at once, the others go on."""
    trial = meet(
        stage,
        {"stage": "rcpt", "say": "550 5.1.1 no such user", "match": ".1@"},
        {"stage": "rcpt", "say": "550 5.1.1 no such user", "match": ".2@"},
        {"stage": "dot", "say": "550 5.1.1 no such user", "match": ".3@", "keep": False},
    )

    trial.settle_and_check(accepted=LETTERS - 3, refused=3)


def refused_at_data(stage: Stage) -> None:
    """F19: 550 to the DATA command is about him whose letter it would have been; the next one's is not touched."""
    trial = meet(stage, {"stage": "data", "say": "550 5.1.1 no such user", "every": 6, "times": 5})

    trial.settle_and_check(accepted=LETTERS - 5, refused=5)


def refused_before_mail(stage: Stage) -> None:
    """F20: 554 for a greeting and 550 for EHLO are about us: nobody is burned, and it is tried again later."""
    for rule in ({"stage": "greeting", "say": "554 5.7.1 go away"}, {"stage": "ehlo", "say": "550 5.7.1 not you"}):
        trial = meet(stage, rule)

        wait_for_pause(trial, "connection")

        trial.settle_and_check(accepted=LETTERS)


def too_large(stage: Stage) -> None:
    """F25: a letter above the server's limit is the message's fault, be it announced (SIZE) or said at MAIL."""
    announced = "250-sink.example\r\n250-PIPELINING\r\n250 SIZE 1000"
    for rule in ({"stage": "ehlo", "say": announced}, {"stage": "mail", "say": "552 5.3.4 message too big"}):
        trial = meet(stage, rule)

        wait_for_pause(trial, "message")
        trial.do("resume")

        trial.settle_and_check(accepted=LETTERS)


def sender_refused(stage: Stage) -> None:
    """F20: 5xx at MAIL FROM is our account's fault: paused, nobody refused; a person resumes it."""
    trial = meet(stage, {"stage": "mail", "say": "550 5.7.1 sender address rejected"})

    wait_for_pause(trial, "sender")
    trial.do("resume")

    trial.settle_and_check(accepted=LETTERS)


def login_refused(stage: Stage) -> None:
    """F21: 535 pauses at once."""
    stage.dismiss()
    trial = stage.trial(letters=LETTERS)
    trial.sink.rules({"stage": "auth", "say": "535 5.7.8 bad login"})
    worker = stage.worker(EMAIL_HOST_USER="office", EMAIL_HOST_PASSWORD="not-the-one")
    trial.launch()

    wait_for_pause(trial, "login")
    trial.do("resume")
    trial.settle()
    stage.kill(worker)

    trial.check(accepted=LETTERS)


def starttls_stripped(stage: Stage) -> None:
    """F22: a server that no longer offers STARTTLS gets no letter in the clear."""
    stage.dismiss()
    trial = stage.trial(letters=LETTERS)
    worker = stage.worker(EMAIL_USE_TLS="True")
    trial.launch()

    wait_for_pause(trial, "tls")
    stage.kill(worker)
    if trial.sink.look()["total"]:
        raise Violation("letters left in the clear")
    trial.do("resume")
    stage.ensure_worker()

    trial.settle_and_check(accepted=LETTERS)


def wrong_certificate(stage: Stage) -> None:
    """F22: behind a certificate that nobody vouches for nothing is sent; behind a good one lines break as elsewhere."""
    stage.dismiss()
    trial = stage.trial(letters=LETTERS)
    make_certificate(stage.folder, "IP:127.0.0.1")
    trial.sink.ask("tls", certificate=str(stage.folder / "server.pem"))
    worker = stage.worker(EMAIL_USE_TLS="True")
    trial.launch()

    wait_for_pause(trial, "tls")
    stage.kill(worker)
    if trial.sink.look()["total"]:
        raise Violation("letters left for a server that nobody vouches for")
    trial.do("resume")
    trial.sink.rules({"stage": "dot", "close": True, "every": 10, "times": 3})
    worker = stage.worker(EMAIL_USE_TLS="True", SSL_CERT_FILE=str(stage.folder / "authority.pem"))
    trial.settle()
    stage.kill(worker)

    trial.check(unknown=3, accepted=LETTERS - 3)


def every_tenth_connection_dropped(stage: Stage) -> None:
    """F24: a server that drops connections as it likes gets each letter once."""
    trial = stage.trial(letters=3000)
    trial.sink.rules({"stage": "greeting", "close": True, "every": 10}, {"stage": "rcpt", "close": True, "every": 300})
    stage.ensure_worker()
    trial.launch()

    trial.settle_and_check(accepted=3000)


def disk_full(stage: Stage) -> None:
    """F27: 452 at RCPT now and then is a deferral."""
    trial = meet(stage, {"stage": "rcpt", "say": "452 4.3.1 insufficient system storage", "times": 4})

    trial.settle_and_check(accepted=LETTERS)


FAULTS = (
    connection_refused,
    busy_greeting,
    busy_in_the_middle,
    busy_after_the_dot,
    dropped_at_rcpt,
    dropped_before_the_text,
    dropped_in_the_text,
    dropped_in_a_large_text,
    dropped_after_the_dot,
    dropped_after_keeping,
    sent_again_to_unknown,
    late_answer,
    octet_by_octet,
    deferred_once,
    deferred_for_ever,
    refused_for_good,
    refused_at_data,
    refused_before_mail,
    too_large,
    sender_refused,
    login_refused,
    starttls_stripped,
    wrong_certificate,
    every_tenth_connection_dropped,
    disk_full,
)
LONG = (answer_after_the_timeout, greeting_for_ever)
