"""What the mail server's answer means here: an entry in the ledger, and for the mailing perhaps a pause."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from mailings.models import Delivery, Mailing, Reason, Run
from mailings.operations.breaker import Breaker
from mailings.operations.control import pause
from mailings.operations.ledger import Entry, Recipient
from mailings.operations.refusal import NotPossible
from mailings.sending import reply
from mailings.sending.letter import Result
from mailings.sending.reply import Outcome, Scope, Stage
from mailings.sending.retry import next_try

log = logging.getLogger(__name__)

State, Pause, Answer = Delivery.State, Mailing.PauseReason, reply.Reason

# State, reason and next try.
Fate = tuple[str, str, datetime | None]

# A line or a server that is away comes back by itself; a login or a sender that is refused needs a person.
COMES_BACK_AFTER = timedelta(minutes=1)
PAUSES = {
    Answer.LOGIN: Pause.LOGIN,
    Answer.ACCOUNT_BLOCKED: Pause.LOGIN,
    Answer.RELAY_DENIED: Pause.LOGIN,
    Answer.TLS: Pause.TLS,
    Answer.SENDER_REJECTED: Pause.SENDER,
    Answer.QUOTA: Pause.QUOTA,
    Answer.RATE: Pause.QUOTA,
    Answer.NO_CONNECTION: Pause.CONNECTION,
    Answer.LOST_CONNECTION: Pause.CONNECTION,
    Answer.SERVER_BUSY: Pause.CONNECTION,
    Answer.SERVER_REFUSES: Pause.CONNECTION,
    Answer.PROTOCOL: Pause.CONNECTION,
}


def entry_of(run: Run, result: Result, tries: int, now: datetime) -> Entry:
    """Turn an answer into the delivery's next state; `tries` is how many it had before. Not for a letter come back."""
    fate: Fate = (result.outcome, result.reason, None)
    if result.outcome == Outcome.DEFERRED:
        fate = try_again(run, result, tries, now)
    return Entry(
        result.key,
        *fate,
        result.stage,
        result.code,
        result.enhanced,
        result.answer,
        result.suppress,
    )


def try_again(run: Run, result: Result, tries: int, now: datetime) -> Fate:
    again_at = next_try(tries + 1, now, run.mailing.finish_send_at, random.random())  # noqa: S311  only to spread them
    if again_at is None:
        return State.REFUSED.value, Reason.EXHAUSTED.value, None
    return State.DEFERRED.value, result.reason.value, again_at


def is_failure(result: Result) -> bool:
    """Tell a letter that came back because the account or the line failed from one that was called back."""
    return result.outcome == Outcome.RETURNED and result.reason != Answer.RECALLED


def unfit(recipient: Recipient, why: str) -> Result:
    """Refuse on our own side what no letter can be made of."""
    return Result(
        key=recipient.id,
        outcome=Outcome.REFUSED,
        scope=Scope.RECIPIENT,
        reason=Answer.BAD_DATA,
        stage=Stage.LOCAL,
        code=0,
        enhanced="",
        answer=why,
        pauses=False,
        suppress=False,
        retry_account_after=None,
    )


def pause_for(run: Run, results: Sequence[Result], breaker: Breaker) -> None:
    """Pause the mailing where answers are about our account, the message or the line, or where too many refuse."""
    culprit = next((result for result in results if result.pauses or is_failure(result)), None)
    if culprit is not None:
        reason = PAUSES.get(culprit.reason, Pause.MESSAGE)
        pause_unless_done(run, reason, culprit.answer, comes_back_after(reason, culprit))
    elif tripped := breaker.trips(results):
        pause_unless_done(run, *tripped)


def comes_back_after(reason: str, result: Result) -> timedelta | None:
    if result.retry_account_after:
        return timedelta(seconds=result.retry_account_after)
    return COMES_BACK_AFTER if reason == Pause.CONNECTION else None


def pause_unless_done(run: Run, reason: str, words: str, after: timedelta | None = None) -> None:
    try:
        pause(run.mailing_id, reason, words, after)
    except NotPossible:
        # It is paused for the letter before this one, or a person was first.
        return
    log.warning("run %s paused: %s", run.pk, reason)
