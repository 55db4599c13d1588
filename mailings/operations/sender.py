"""One worker's pass over one run: hand a window to the engine, write down the answers, take the next window.

One transaction per window does both; no lock is held and no transaction is open while letters are on the wire.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parseaddr

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from mailings.models import Delivery, Run
from mailings.operations import ledger
from mailings.operations.answer import entry_of, is_failure, pause_for, unfit
from mailings.operations.breaker import Breaker
from mailings.operations.frame import Letters
from mailings.operations.ledger import LEASE, Claimed, Entry, Turn
from mailings.operations.pace import Room, room_for, spend
from mailings.sending.letter import Letter, Result
from mailings.sending.smtp import Pool

WINDOW = 25
# A killed worker leaves at most so many letters unknown: those in flight, and those claimed to go next.
IN_HAND = 50
# Answers are written down together: this many, or those of a moment.
BATCH = 10
MOMENT_SECONDS = 0.2
ROOM_SECONDS = 0.2
# A worker that slept hands nothing over any more when its lease has so little left.
MARGIN_SECONDS = 60
# So long a database that is away is waited for, with the answers kept; longer than most restarts.
PATIENCE_SECONDS = 600


class Sender:
    def __init__(self, run: Run, letters: Letters, pool: Pool, until: float) -> None:
        self.run = run
        self.letters = letters
        self.pool = pool
        self.until = until
        self.sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        self.token = uuid.uuid4()
        self.cursor = 0
        self.is_over = False
        self.recalls = False
        self.room = Room(WINDOW)
        self.breaker = Breaker()
        # Deliveries in this worker's hand, with the tries they had.
        self.in_hand: dict[int, int] = {}
        self.aside: list[Result] = []
        self.answered: deque[tuple[float, int]] = deque()

    def work(self) -> bool:
        """Send until the time is up or nobody is left, and return whether somebody is left to send to at once.

        The engine has a thread of its own: while one window is on the wire, the answers to the one before it are
        written down and the one after it is claimed and composed. This thread alone talks to the database.
        """
        letters, results = self.turn([]), list[Result]()
        with ThreadPoolExecutor(1, "engine") as engine:
            while letters or results or self.has_unfinished() or self.waits_for_room():
                exchange = engine.submit(self.exchange, letters)
                letters = self.turn(results) if results or self.size() else []
                results = [*self.take_aside(), *exchange.result()]
        return self.room.is_worth_waiting and self.may_send() and self.has_pending()

    def has_unfinished(self) -> bool:
        return bool(self.aside or self.pool.queued or self.pool.in_flight)

    def exchange(self, letters: Sequence[Letter]) -> list[Result]:
        """Hand letters over, and collect answers until there are enough of them to be worth a transaction."""
        if self.recalls:
            return self.pool.recall()
        results = self.pool.exchange(letters, timeout=1.0)
        end = time.monotonic() + MOMENT_SECONDS
        while len(results) < BATCH and self.pool.in_flight and (left := end - time.monotonic()) > 0:
            results += self.pool.exchange([], timeout=left)
        return results

    def take_aside(self) -> list[Result]:
        aside, self.aside = self.aside, []
        return aside

    # --- One turn

    def turn(self, results: Sequence[Result]) -> list[Letter]:
        """Write down the answers, claim the next window and fill its letters."""
        now = timezone.now()
        not_after = time.monotonic() + LEASE.total_seconds() - MARGIN_SECONDS
        self.is_over = self.is_over or time.monotonic() >= self.until or any(map(is_failure, results))
        entries = [entry_of(self.run, result, self.in_hand.pop(result.key, 0), now) for result in results]
        self.note_rate(len(entries))
        claimed = self.write(entries, 0 if self.is_over else self.size(), now)
        self.in_hand |= {row.id: row.tries for row in claimed}
        self.recalls = not claimed and self.pool.queued > 0 and not self.may_send()
        pause_for(self.run, results, self.breaker)
        return [letter for row in claimed if (letter := self.letter(row, not_after))]

    def size(self) -> int:
        """Say how many to claim: no more in hand than a second's work, lest a killed worker leave more unknown."""
        pace = sum(count for _at, count in self.answered)
        limit: int = min(IN_HAND, max(settings.SENDING_CONNECTIONS, pace))
        return max(0, min(WINDOW, limit - len(self.in_hand)))

    def note_rate(self, count: int) -> None:
        now = time.monotonic()
        self.answered.append((now, count))
        while self.answered[0][0] < now - 1:
            self.answered.popleft()

    def write(self, entries: Sequence[Entry], size: int, now: datetime) -> list[Claimed]:
        """Do the ledger's turn; a database that goes away is waited for, and no answer is lost meanwhile.

        :raises DatabaseError: it stayed away for `PATIENCE_SECONDS`; what is in hand becomes unknown in time.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.write_once(entries, size, now)
            except (OperationalError, InterfaceError):
                if time.monotonic() > until or connection.in_atomic_block:
                    raise
                self.reconnect(until, [entry.id for entry in entries])

    def write_once(self, entries: Sequence[Entry], size: int, now: datetime) -> list[Claimed]:
        if not settings.SENDING_LIMITS:
            return self.take(entries, size, now)
        with transaction.atomic():
            self.room = room_for(size, now) if size else self.room
            claimed = self.take(entries, min(size, self.room.letters), now)
            spend(self.room, len(claimed), now)
        return claimed

    def take(self, entries: Sequence[Entry], size: int, now: datetime) -> list[Claimed]:
        claimed, self.cursor = ledger.take(Turn(self.run, self.token, entries, self.cursor, size, now))
        return claimed

    def reconnect(self, until: float, answered: list[int]) -> None:
        """Wait for the database, and give back what a lost answer of its own may have claimed without our knowing."""
        while time.monotonic() < until:
            connection.close()
            time.sleep(1)
            try:
                ours = Delivery.objects.filter(run=self.run, state=Delivery.State.SENDING, claim_token=self.token)
                ours.exclude(pk__in=[*self.in_hand, *answered]).update(
                    state=Delivery.State.PENDING, claim_token=None, lease_until=None
                )
            except DatabaseError:
                continue
            return

    # --- Asking afresh

    def may_send(self) -> bool:
        """Ask whether the mailing still runs, its window is open and its owner may log in."""
        return bool(Run.objects.sendable().filter(pk=self.run.pk).exists())

    def has_pending(self) -> bool:
        return bool(Delivery.objects.pending().filter(run=self.run).exists())

    def waits_for_room(self) -> bool:
        """Wait a moment where only a limit per second or minute stands in the way of the next letter."""
        is_short = not self.room.letters and self.room.is_worth_waiting and not self.is_over
        if is_short and time.monotonic() < self.until and self.may_send() and self.has_pending():
            time.sleep(ROOM_SECONDS)
            return True
        return False

    # --- Letters

    def letter(self, row: Claimed, not_after: float) -> Letter | None:
        """Fill the letter; a client whose data cannot stand in a letter fails alone, before a byte of it leaves."""
        try:
            data = self.letters.fill(row)
        except ValueError as error:
            self.aside.append(unfit(row, str(error)))
            return None
        return Letter(row.id, self.sender, row.address, data, not_after)
