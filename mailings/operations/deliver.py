"""Delivering a run: claim a window, hand it to the engine, write down the answers, again.

One transaction per window records the answers and claims what goes next; no lock is held and no transaction is open
while letters are on the wire.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from mailings.models import Delivery, Mailing, Run
from mailings.operations.claim import claim
from mailings.operations.control import pause
from mailings.operations.finish import finish_if_done
from mailings.operations.frame import build_frame, recipient, site_host
from mailings.operations.pace import Room, room_for, spend
from mailings.operations.record import record
from mailings.operations.refusal import NotPossible
from mailings.sending.account import Account, Policy, Security
from mailings.sending.compose import Frame
from mailings.sending.letter import Letter, Result
from mailings.sending.reply import Outcome, Reason, Scope, Stage
from mailings.sending.smtp import Pool

log = logging.getLogger(__name__)

# Letters that a killed worker can leave unknown are at most two windows: the one in flight and the one queued.
WINDOW = 25
# After a slice the task ends and wakes itself again, so that the minute's task and other runs get their turn.
SLICE_SECONDS = 10.0
ROOM_SECONDS = 0.2

PAUSES = {
    Reason.LOGIN: Mailing.PauseReason.LOGIN,
    Reason.TLS: Mailing.PauseReason.CONNECTION,
    Reason.NO_CONNECTION: Mailing.PauseReason.CONNECTION,
    Reason.SERVER_BUSY: Mailing.PauseReason.CONNECTION,
    Reason.SERVER_REFUSES: Mailing.PauseReason.CONNECTION,
    Reason.SENDER_REJECTED: Mailing.PauseReason.SENDER,
    Reason.RELAY_DENIED: Mailing.PauseReason.LOGIN,
    Reason.ACCOUNT_BLOCKED: Mailing.PauseReason.LOGIN,
    Reason.LOST_CONNECTION: Mailing.PauseReason.CONNECTION,
    Reason.PROTOCOL: Mailing.PauseReason.CONNECTION,
    Reason.QUOTA: Mailing.PauseReason.QUOTA,
    Reason.RATE: Mailing.PauseReason.QUOTA,
}

_running: set[int] = set()
_running_lock = threading.Lock()


@contextmanager
def only_one_here(run_id: int) -> Iterator[bool]:
    """Let one thread of this process deliver a run: a second one would only double its connections."""
    with _running_lock:
        is_first = run_id not in _running
        _running.add(run_id)
    try:
        yield is_first
    finally:
        if is_first:
            _running.discard(run_id)


def account() -> Account:
    """Describe the organisation's mail account, as the settings have it."""
    security = (
        Security.TLS if settings.EMAIL_USE_SSL else Security.STARTTLS if settings.EMAIL_USE_TLS else Security.PLAIN
    )
    return Account(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        security=security,
        username=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        helo=settings.EMAIL_HELO or site_host(),
    )


def deliver(run_id: int, seconds: float = SLICE_SECONDS) -> bool:
    """Send a run's letters for at most so many seconds (and until those in flight are answered).

    Return whether somebody is left to send to at once.
    """
    with only_one_here(run_id) as is_first:
        if not is_first:
            return False
        run = Run.objects.sendable().select_related("mailing", "owner").filter(pk=run_id).first()
        if run is None:
            return False
        try:
            frame = build_frame(run)
        except ValueError as error:
            # Nobody's fault but the message's: say so where its owner looks, and burn nobody.
            pause(run.mailing_id, Mailing.PauseReason.MESSAGE, str(error))
            return False
        with Pool(account(), Policy(connections=settings.SENDING_CONNECTIONS)) as pool:
            has_more = Sender(run, frame, pool, until=time.monotonic() + seconds).work()
    finish_if_done(run_id, timezone.now())
    return has_more


class Sender:
    """One worker's pass over one run."""

    def __init__(self, run: Run, frame: Frame, pool: Pool, until: float) -> None:
        self.run = run
        self.frame = frame
        self.pool = pool
        self.until = until
        self.sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        self.token = uuid.uuid4()
        self.cursor = 0
        self.is_over = False
        self.room = Room(WINDOW)
        self.unfit: list[Result] = []

    def work(self) -> bool:
        letters = self.turn([])
        while letters or self.unfit or self.pool.queued or self.pool.in_flight or self.waits_for_room():
            results = self.pool.exchange(letters, timeout=1.0)
            letters = self.turn([*self.unfit, *results])
        return self.room.is_worth_waiting and self.may_send() and self.has_pending()

    def waits_for_room(self) -> bool:
        """Wait a moment where only a limit per second or minute stands in the way of the next letter."""
        is_short = not self.room.letters and self.room.is_worth_waiting and not self.is_over
        if is_short and time.monotonic() < self.until and self.may_send() and self.has_pending():
            time.sleep(ROOM_SECONDS)
            return True
        return False

    def has_pending(self) -> bool:
        return Delivery.objects.pending().filter(run=self.run).exists()

    def turn(self, results: Sequence[Result]) -> list[Letter]:
        """Write down the answers and claim the next window, in one transaction; fill the letters after it."""
        may_send = self.may_send()
        if not may_send:
            results = [*results, *self.pool.recall()]
        wants = may_send and not self.stops(results) and time.monotonic() < self.until
        now = timezone.now()
        with transaction.atomic():
            if results:
                record(self.run, self.token, results, now)
            rows = self.claim(now) if wants else []
        self.pause_for(results)
        self.unfit = []
        return [letter for row in rows if (letter := self.letter(row))]

    def claim(self, now: datetime) -> list[Delivery]:
        """Claim as many as the mail account's limits leave room for."""
        self.room = room_for(WINDOW, now)
        if not self.room.letters:
            return []
        rows, self.cursor = claim(self.run, self.token, self.cursor, self.room.letters, now)
        spend(self.room, len(rows), now)
        return rows

    def may_send(self) -> bool:
        """Ask afresh: the mailing may have been paused, its window may have ended, its owner may have been blocked."""
        return Run.objects.sendable().filter(pk=self.run.pk).exists()

    def stops(self, results: Sequence[Result]) -> bool:
        """Remember that the account or the connection failed: then nobody else is tried in this pass."""
        self.is_over = self.is_over or any(is_failure(result) for result in results)
        return self.is_over

    def pause_for(self, results: Sequence[Result]) -> None:
        for result in results:
            if result.pauses or is_failure(result):
                pause_for(self.run, result)
                return

    def letter(self, delivery: Delivery) -> Letter | None:
        """Fill the letter; a client whose data cannot stand in a letter fails alone, before a byte of it leaves."""
        assert delivery.client is not None
        try:
            filled = self.frame.fill(recipient(delivery, delivery.client, timezone.localtime()))
        except ValueError as error:
            self.unfit.append(unfit(delivery, str(error)))
            return None
        return Letter(key=delivery.pk, sender=self.sender, recipient=delivery.address, data=filled)


def is_failure(result: Result) -> bool:
    """Tell a letter that came back because the account or the line failed from one that was called back."""
    return result.outcome == Outcome.RETURNED and result.reason != Reason.RECALLED


def unfit(delivery: Delivery, why: str) -> Result:
    return Result(
        key=delivery.pk,
        outcome=Outcome.REFUSED,
        scope=Scope.RECIPIENT,
        reason=Reason.BAD_DATA,
        stage=Stage.LOCAL,
        code=0,
        enhanced="",
        answer=why,
        pauses=False,
        suppress=False,
        retry_account_after=None,
    )


def pause_for(run: Run, result: Result) -> None:
    """Pause the mailing for what the mail server said about our account, in words that name the cause."""
    seconds = result.retry_account_after
    reason = PAUSES.get(result.reason, Mailing.PauseReason.MESSAGE)
    try:
        pause(run.mailing_id, reason, result.answer, timedelta(seconds=seconds) if seconds else None)
    except NotPossible:
        # A person paused it or switched it off first.
        return
    log.warning("run %s paused: %s (%s)", run.pk, reason, result.reason)
