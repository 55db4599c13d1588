"""One worker's pass over one run: hand a window to the engine, write down the answers, take the next window.

The worker claims a stretch of the ledger at a time. One transaction per window writes the answers and moves the claim's
mark on; no lock is held and no transaction is open while letters are on the wire.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from email.utils import parseaddr
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from mailings.models import Delivery, Run
from mailings.operations import ledger
from mailings.operations.answer import entry_of, pause_for, unfit
from mailings.operations.breaker import Breaker
from mailings.operations.claim import Claims
from mailings.operations.frame import Letters
from mailings.operations.lease import seconds_to_hand_over
from mailings.operations.ledger import Recipient, Row, Turn
from mailings.operations.pace import Room, room_for, spend
from mailings.sending.letter import Letter, Result
from mailings.sending.reply import Outcome
from mailings.sending.smtp import Pool

WINDOW = 25
# A killed worker leaves at most so many letters unknown: those in flight, and those passed by the mark to go next.
IN_HAND = 50
# Answers are written down together: this many, or those of a moment.
BATCH = 20
MOMENT_SECONDS = 0.002
# How long to wait for a reply before looking whether the database has answered, and whether the worker is to end.
GLANCE_SECONDS = 0.002
PATROL_SECONDS = 0.2
ROOM_SECONDS = 0.2
# So long a database that is away is waited for, with the answers kept; longer than most restarts.
PATIENCE_SECONDS = 600
LOST = (OperationalError, InterfaceError)

T = TypeVar("T")
Rows = Future[list[Row]]


class Sender:
    """:param is_stopping: tells that the worker is to end soon, whatever is left."""

    def __init__(self, run: Run, letters: Letters, pool: Pool, until: float, is_stopping: Callable[[], bool]) -> None:
        self.run = run
        self.letters = letters
        self.pool = pool
        self.until = until
        self.is_stopping = is_stopping
        self.sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        self.claims = Claims(run)
        self.is_over = False
        self.recalls = False
        self.turned_at = self.not_after = time.monotonic()
        self.room = Room(WINDOW)
        self.breaker = Breaker()
        # Recipients in this worker's hand, with the tries they had.
        self.in_hand: dict[int, int] = {}
        self.aside: list[Result] = []
        self.answered: deque[tuple[float, int]] = deque()

    def work(self) -> bool:
        """Send until the time is up or nobody is left, and return whether somebody is left to send to at once.

        While one window is on the wire, the database writes down the answers to the one before it and reads the next.
        """
        recipients, results = list[Recipient](), list[Result]()
        while True:
            turn, rows = self.patiently(partial(self.begin, self.turn(results)))
            letters = self.fill(recipients)
            results = [*self.take_aside(), *self.exchange(letters, rows)]
            recipients = self.end(turn, rows)
            if not (recipients or results or self.has_unfinished() or self.has_next()):
                break
        self.patiently(self.claims.release)
        return self.room.is_worth_waiting and self.may_send() and self.has_free()

    def has_unfinished(self) -> bool:
        return bool(self.pool.queued or self.pool.in_flight)

    def has_next(self) -> bool:
        return not self.is_over and (self.claims.current is None or self.waits_for_room())

    # --- The mail server

    def exchange(self, letters: Sequence[Letter], rows: Rows) -> list[Result]:
        """Hand letters over, and collect answers until the database is ready for enough of them."""
        if self.recalls and self.pool.queued and not letters:
            return self.pool.recall()
        began = time.monotonic()
        results = self.pool.exchange(letters, timeout=MOMENT_SECONDS)
        while self.has_unfinished() and not (rows.done() and self.is_enough(results, time.monotonic() - began)):
            results += self.pool.exchange([], timeout=PATROL_SECONDS if rows.done() else GLANCE_SECONDS)
        return results

    def is_enough(self, results: Sequence[Result], seconds: float) -> bool:
        return len(results) >= BATCH or seconds >= (MOMENT_SECONDS if results else PATROL_SECONDS)

    def take_aside(self) -> list[Result]:
        aside, self.aside = self.aside, []
        return aside

    # --- The ledger's turn

    def turn(self, results: Sequence[Result]) -> Turn:
        """Put down what is to be written, and how many recipients are to be taken in hand."""
        now = timezone.now()
        self.turned_at = time.monotonic()
        tries = [self.in_hand.pop(result.key, 0) for result in results]
        entries = [
            entry_of(self.run, result, tried, now)
            for result, tried in zip(results, tries, strict=True)
            if result.outcome != Outcome.RETURNED
        ]
        self.note_rate(len(entries))
        self.patiently(partial(pause_for, self.run, results, self.breaker))
        # Letters that come back stand below the mark: they are anybody's once this worker has ended and released them.
        self.is_over = self.is_over or len(entries) < len(results) or self.is_late()
        return Turn(self.run, self.claims.token, entries, None, self.size(), now)

    def begin(self, turn: Turn) -> tuple[Turn, Rows]:
        claim = self.claims.take() if turn.size else None
        self.is_over = self.is_over or (turn.size > 0 and not claim)
        turn = replace(turn, claim=claim)
        if not settings.SENDING_LIMITS:
            return turn, ledger.begin(turn)
        with transaction.atomic(), connection.wrap_database_errors:
            self.room = room_for(turn.size, turn.now) if turn.size else self.room
            turn = replace(turn, size=min(turn.size, self.room.letters))
            rows = ledger.begin(turn)
            spend(self.room, sum(not row[-1] for row in rows.result()), turn.now)
        return turn, rows

    def end(self, turn: Turn, rows: Rows) -> list[Recipient]:
        """Take the next recipients in hand."""
        try:
            recipients, is_full = ledger.end(turn, rows)
        except LOST:
            self.reconnect(time.monotonic() + PATIENCE_SECONDS)
            recipients, is_full = self.patiently(lambda: ledger.end(turn, ledger.begin(turn)))
        self.in_hand |= {recipient.id: recipient.tries for recipient in recipients}
        if turn.claim and not is_full:
            self.patiently(self.leave_claim)
        self.not_after = self.turned_at + seconds_to_hand_over()
        return recipients

    def leave_claim(self) -> None:
        """Have done with a claim that has nobody left to take; end if it is not ours any more, or may not be sent."""
        self.recalls = self.recalls or not self.may_send()
        self.is_over = not self.claims.leave() or self.recalls
        self.claims.release(below=min(self.in_hand, default=self.claims.reached + 1))

    # --- How many, how long

    def is_late(self) -> bool:
        """Tell whether it is time to end; letters still queued are called back if the whole worker ends."""
        self.recalls = self.recalls or self.is_stopping()
        return self.recalls or time.monotonic() >= self.until

    def size(self) -> int:
        """Say how many to take: no more in hand than a second's work, lest a killed worker leave more unknown."""
        if self.is_over:
            return 0
        pace = sum(count for _at, count in self.answered)
        limit: int = min(IN_HAND, max(settings.SENDING_CONNECTIONS, pace))
        return max(0, min(WINDOW, limit - len(self.in_hand)))

    def note_rate(self, count: int) -> None:
        now = time.monotonic()
        self.answered.append((now, count))
        while self.answered[0][0] < now - 1:
            self.answered.popleft()

    # --- A database that goes away

    def patiently(self, action: Callable[[], T]) -> T:
        """Do something in the database; if that goes away, it is waited for, and no answer is lost meanwhile.

        :raises DatabaseError: it stayed away for `PATIENCE_SECONDS`; what is in hand becomes unknown in time.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return action()
            except LOST:
                if time.monotonic() > until or connection.in_atomic_block:
                    raise
                self.reconnect(until)

    def reconnect(self, until: float) -> None:
        while time.monotonic() < until:
            connection.close()
            time.sleep(1)
            try:
                self.claims.correct()
            except DatabaseError:
                continue
            return

    # --- Asking afresh

    def may_send(self) -> bool:
        """Ask whether the mailing still runs, its window is open and its owner may log in."""
        return bool(Run.objects.sendable().filter(pk=self.run.pk).exists())

    def has_free(self) -> bool:
        return bool(Delivery.objects.free().filter(run=self.run).exists())

    def waits_for_room(self) -> bool:
        """Wait a moment where only a limit per second or minute stands in the way of the next letter."""
        is_short = not self.room.letters and self.room.is_worth_waiting
        if is_short and time.monotonic() < self.until and self.may_send():
            time.sleep(ROOM_SECONDS)
            return True
        return False

    # --- Letters

    def fill(self, recipients: Sequence[Recipient]) -> list[Letter]:
        return [letter for recipient in recipients if (letter := self.letter(recipient))]

    def letter(self, recipient: Recipient) -> Letter | None:
        """Fill the letter; a client whose data cannot stand in a letter fails alone, before a byte of it leaves."""
        try:
            data = self.letters.fill(recipient)
        except ValueError as error:
            self.aside.append(unfit(recipient, str(error)))
            return None
        return Letter(recipient.id, self.sender, recipient.address, data, self.not_after)
