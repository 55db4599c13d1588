"""Brings one connection up: connect, TLS, greeting, login. What comes after that is not its business."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mailings.sending.account import Account, Policy
from mailings.sending.handshake import UPGRADE, Ask, Dialogue, Features, Hangup, Lines, introduce
from mailings.sending.poller import Poller
from mailings.sending.verdict import NO_CONNECTION, NO_TLS, Reply, Stage, Verdict
from mailings.sending.wire import Address, Wire


def resolve(host: str, port: int) -> tuple[Address, ...]:
    """Look a host up; blocks as long as the resolver does.

    :raises Hangup: when it is not to be found.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Hangup(Stage.CONNECT, Reply(0, "", str(error)), NO_CONNECTION) from error
    return tuple((family, address) for family, _, _, _, address in found)


@dataclass(frozen=True, slots=True)
class Plan:
    """What every connection of a pool is opened by."""

    account: Account
    policy: Policy
    poller: Poller[Any]
    addresses: tuple[Address, ...]


class Opening:
    """A connection that comes up, address after address until one answers.

    :param holder: whom the poller tells of its socket.
    :raises Hangup: at once or later, when it comes to nothing.
    """

    def __init__(self, plan: Plan, holder: object, now: float) -> None:
        self._plan = plan
        self._holder = holder
        self._addresses = list(plan.addresses)
        self._stage = Stage.CONNECT
        self._go_on: Callable[[float], None] = self._finish_connecting
        self._last_deadline = now + plan.policy.opening_seconds
        self._deadline = now
        self._features: Features | None = None
        self._dialogue: Dialogue | None = None
        self.wire = self._connect(now, "no address")

    def ready(self, now: float) -> Features | None:
        """Go on after the poller said so; return what the server can do once it is ready for letters."""
        self._go_on(now)
        return self._features

    def check_time(self, now: float) -> None:
        """See that no step, and not the whole, takes longer than it may."""
        if now >= min(self._deadline, self._last_deadline):
            self._fail(TimeoutError("no answer in time"), now)

    def close(self) -> None:
        """Let go of the socket."""
        if self._dialogue is not None:
            self._dialogue.close()
        self.wire.close()

    def _connect(self, now: float, problem: str) -> Wire:
        while self._addresses:
            self._deadline = now + self._plan.policy.connect_seconds
            try:
                return Wire(self._plan.poller, self._holder, self._addresses.pop(0))
            except OSError as error:
                problem = str(error)
        raise Hangup(Stage.CONNECT, Reply(0, "", problem), NO_CONNECTION)

    def _finish_connecting(self, now: float) -> None:
        try:
            self.wire.finish_connecting()
            dialogue = introduce(self._plan.account, is_loopback=self.wire.is_loopback)
        except OSError as error:
            self._fail(error, now)
        else:
            self._dialogue = dialogue
            self._do(dialogue, next(dialogue), now)

    def _do(self, dialogue: Dialogue, ask: Ask, now: float) -> None:
        """Do what the dialogue wants next."""
        self._stage = ask.stage
        if ask is UPGRADE:
            self._start_tls(dialogue, now)
            return
        self._go_on = lambda now: self._listen(dialogue, now)
        self._deadline = now + self._plan.policy.dialogue_seconds
        if ask.command:
            self.wire.flush([ask.command], now)

    def _start_tls(self, dialogue: Dialogue, now: float) -> None:
        account = self._plan.account
        self._go_on = lambda now: self._shake_hands(dialogue, now)
        self._deadline = now + self._plan.policy.tls_seconds
        try:
            self.wire.wrap(account.tls_context or ssl.create_default_context(), account.host)
        except (OSError, ValueError) as error:
            self._fail(error, now)
        else:
            self._shake_hands(dialogue, now)

    def _shake_hands(self, dialogue: Dialogue, now: float) -> None:
        try:
            is_done = self.wire.shake_hands()
        except OSError as error:
            self._fail(error, now)
        else:
            if is_done:
                self._answer(dialogue, [], now)

    def _listen(self, dialogue: Dialogue, now: float) -> None:
        try:
            replies = self.wire.receive()
        except OSError as error:
            self._fail(error, now)
        else:
            # One question, one answer: what else was said unasked is not listened to (RFC 3207 6).
            for _, lines in replies[:1]:
                self._answer(dialogue, lines, now)

    def _answer(self, dialogue: Dialogue, lines: Lines, now: float) -> None:
        """Give the dialogue what it waits for: the lines of a reply, none after TLS has begun."""
        try:
            ask = dialogue.send(lines)
        except StopIteration as end:
            self._features = end.value
        else:
            self._do(dialogue, ask, now)

    def _fail(self, error: Exception, now: float) -> None:
        """Try the next address, as long as none has answered; after that the opening has failed."""
        if self._stage is not Stage.CONNECT:
            raise Hangup(self._stage, Reply(0, "", str(error)), _meaning(error)) from error
        self.wire.close()
        self.wire = self._connect(now, str(error))


def _meaning(error: Exception) -> Verdict:
    # A line that just ends during the handshake is a bad line; a wrong certificate, name or protocol is a bad setting.
    is_tls_fault = isinstance(error, (ssl.SSLError, ValueError)) and not isinstance(error, ssl.SSLEOFError)
    return NO_TLS if is_tls_fault else NO_CONNECTION
