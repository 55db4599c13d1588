"""Hands letters over to one mail account: one thread, several kept-open connections, one result for every letter.

It decides what a broken line means for each letter and when a connection is opened, changed or given up. It does not
wait to try again, pick letters or keep limits: an account that is better left alone is the caller's business.
"""

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from mailings.sending.account import Account, Policy, Security
from mailings.sending.connection import Connection
from mailings.sending.handshake import Hangup
from mailings.sending.letter import Letter, Result
from mailings.sending.opening import Plan, resolve
from mailings.sending.poller import Poller
from mailings.sending.tray import Tray
from mailings.sending.verdict import RECALLED, SERVER_BUSY, Reply, Stage
from mailings.sending.wire import Address

__all__ = ["Account", "Letter", "Policy", "Pool", "Result", "Security"]

TICK_SECONDS: Final = 0.05  # how exactly deadlines are kept
FRUITLESS_CONNECTIONS: Final = 3
CEILING_SECONDS: Final = 60.0  # how long a server's limit of connections is believed
FAREWELL_SECONDS: Final = 0.5

_OPENING_STAGES: Final = frozenset({Stage.CONNECT, Stage.GREETING, Stage.EHLO})


class Pool:
    """The connections of one account. Not for use by several threads.

    :param clock: seconds of a clock that never goes back.
    """

    def __init__(self, account: Account, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        if account.security is not Security.PLAIN and account.tls_context is None:
            # Reading all certificates takes a while: once for the pool, not once for each connection.
            account = replace(account, tls_context=ssl.create_default_context())
        self._account = account
        self._policy = policy
        self._clock = clock
        self._tray = Tray()
        self._poller = Poller[Connection]()
        self._connections: set[Connection] = set()
        self._leaving: dict[Connection, float] = {}
        self._addresses: tuple[Address, ...] = ()
        self._ceiling = policy.connections
        self._ceiling_until = 0.0
        self._fruitless = 0
        self._decided_before = 0
        self._next_check = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def queued(self) -> int:
        """Letters not yet handed over."""
        return len(self._tray.waiting)

    @property
    def in_flight(self) -> int:
        """Letters handed to a connection and not answered yet."""
        return self._tray.in_flight

    def exchange(self, letters: Sequence[Letter], timeout: float) -> list[Result]:
        """Take letters in, drive the connections, and return the results that have come in, earlier ones included.

        It ends as soon as every letter is handed to a connection, so that the caller can prepare the next ones while
        these are being answered; without letters, as soon as there is a result; in any case after ``timeout`` seconds.
        """
        self._tray.add(letters)
        if letters:
            self._drive(lambda: not self._tray.waiting, timeout)
        else:
            self._drive(lambda: bool(self._tray.results) or self._is_done(), timeout)
        return self._tray.fetch()

    def recall(self) -> list[Result]:
        """Take back the letters not yet handed over, as ``RETURNED``; return them with all other results there are."""
        self._tray.recall()
        return self._tray.fetch()

    def drain(self, timeout: float) -> list[Result]:
        """Go on until every letter has its result, or ``timeout`` seconds have passed."""
        self._drive(self._is_done, timeout)
        return self._tray.fetch()

    def close(self) -> list[Result]:
        """Say good-bye and let go of everything, within half a second.

        Letters still in flight are decided as if the line had broken: ``UNKNOWN`` if the server may have the text.
        """
        now = self._clock()
        for connection in list(self._connections):
            if connection.is_idle:
                self._attempt(connection, connection.leave, now)
                self._see_off(connection, now)
            else:
                self._end(connection, Hangup(Stage.LOCAL, Reply(0, "", "closed by us"), RECALLED), now)
        self._tray.recall()
        while self._leaving and now < min(self._leaving.values()):
            now = self._look(FAREWELL_SECONDS / 10)
        for connection in list(self._leaving):
            self._remove(connection)
        self._poller.close()
        return self._tray.fetch()

    # Driving

    def _is_done(self) -> bool:
        return not self._tray.waiting and not self._tray.in_flight

    def _drive(self, is_over: Callable[[], bool], timeout: float) -> None:
        now = self._clock()
        end = now + timeout
        now = self._look(0)  # connections may have ended while nobody looked
        self._check_times(now)
        for connection in list(self._connections):
            self._attempt(connection, connection.work, now)
        while True:
            if now >= self._next_check:
                self._check_times(now)
            if self._tray.waiting and len(self._connections) < self._allowed(now):
                self._hire(now)
            if is_over() or now >= end:
                return
            now = self._look(min(max(self._next_check - now, 0), end - now))

    def _look(self, timeout: float) -> float:
        """Wait for sockets, let their connections go on, and return the time."""
        events = self._poller.wait(timeout)
        now = self._clock()
        for connection, mask in events:
            try:
                connection.ready(mask, now)
            except Hangup as hangup:
                self._end(connection, hangup, now)
            else:
                session = connection.session
                if session is not None and session.is_leaving:
                    self._see_off(connection, now)
        return now

    def _attempt(self, connection: Connection, action: Callable[[float], None], now: float) -> None:
        try:
            action(now)
        except Hangup as hangup:
            self._end(connection, hangup, now)

    def _check_times(self, now: float) -> None:
        self._next_check = now + TICK_SECONDS
        for connection in list(self._connections):
            session = connection.session
            if session is not None and session.is_idle and now >= session.heard_at + self._policy.idle_seconds:
                self._attempt(connection, connection.leave, now)
                self._see_off(connection, now)
            else:
                self._attempt(connection, connection.check_time, now)
        for connection, deadline in list(self._leaving.items()):
            if now >= deadline:
                self._remove(connection)

    # Opening and closing

    def _allowed(self, now: float) -> int:
        return self._ceiling if now < self._ceiling_until else self._policy.connections

    def _hire(self, now: float) -> None:
        """Open connections for the letters that wait; the first alone, so that a wrong password is refused but once."""
        working = [connection for connection in self._connections if connection.session is not None]
        most = self._allowed(now) if working else 1
        for _ in range(min(most - len(self._connections), self.queued)):
            try:
                self._connections.add(Connection(self._plan(), self._tray, now))
            except Hangup as hangup:
                self._fail_opening(hangup, now)
                return

    def _plan(self) -> Plan:
        if not self._addresses:
            self._addresses = resolve(self._account.host, self._account.port)
        return Plan(self._account, self._policy, self._poller, self._addresses)

    def _end(self, connection: Connection, hangup: Hangup, now: float) -> None:
        """Decide what a connection's end means for its letters, and for those that wait."""
        was_leaving = connection in self._leaving
        self._remove(connection)
        if was_leaving:
            return
        session = connection.session
        if session is None:
            self._fail_opening(hangup, now)
            return
        had_letters = session.has_letters or hangup.stage is Stage.DOT
        session.abandon(hangup, connection.exposed)
        if had_letters and not session.answered:
            self._count_fruitless(hangup)

    def _fail_opening(self, hangup: Hangup, now: float) -> None:
        working = sum(connection.session is not None for connection in self._connections)
        is_about_us = hangup.verdict.pauses and hangup.stage not in _OPENING_STAGES
        if working and not is_about_us:
            # The server has its own idea of how many connections are enough.
            self._ceiling, self._ceiling_until = working, now + CEILING_SECONDS
        elif is_about_us or not self._connections:
            self._addresses = ()
            self._tray.return_waiting(hangup.stage, hangup.reply, hangup.verdict)

    def _count_fruitless(self, hangup: Hangup) -> None:
        """Give the account a rest when one connection after the other breaks before it got anything done."""
        if self._tray.decided > self._decided_before:
            self._decided_before, self._fruitless = self._tray.decided, 0
        self._fruitless += 1
        if self._fruitless >= FRUITLESS_CONNECTIONS:
            self._fruitless = 0
            self._tray.return_waiting(hangup.stage, hangup.reply, SERVER_BUSY)

    def _see_off(self, connection: Connection, now: float) -> None:
        """Wait a little for the answer to QUIT; meanwhile another connection may take the place."""
        session = connection.session
        if session is not None and session.is_idle:
            self._remove(connection)
        elif connection in self._connections:
            self._connections.discard(connection)
            self._leaving[connection] = now + FAREWELL_SECONDS

    def _remove(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._leaving.pop(connection, None)
        connection.close()
