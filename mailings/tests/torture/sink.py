"""A mail server of one thread that counts the letters it took by Message-ID, and errs by rules that it is told.

`python -m mailings.tests.torture.sink` prints its SMTP port and its control port; whoever holds the control connection
speaks JSON lines with it, and the server ends with that connection.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import itertools
import json
import os
import selectors
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from mailings.tests.torture.rule import FOR_EVER, Rule, Signal
from mailings.tests.torture.session import Session

BUCKETS_PER_SECOND = 4
HEADER_OCTETS = 2048


def message_id(text: bytes) -> str:
    """Read the Message-ID from a letter's header, as we write it or as smtp-source does."""
    for name in (b"\nMessage-ID: <", b"\nMessage-Id: <"):
        begin = text.find(name, 0, HEADER_OCTETS)
        if begin >= 0:
            begin += len(name)
            return text[begin : text.find(b">", begin)].decode("ascii")
    return ""


class Control:
    """The other side of `sink_link.SinkLink`: each line names a method of the sink and its arguments."""

    def __init__(self, sink: Sink, link: socket.socket) -> None:
        self.sink = sink
        self.link = link
        self.buffer = b""

    def ready(self) -> None:
        data = self.link.recv(65536)
        if not data:
            self.sink.is_over = True
            return
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            name, arguments = json.loads(line)
            answer = getattr(self.sink, f"do_{name}")(**arguments)
            self.link.setblocking(True)
            self.link.sendall(json.dumps(answer).encode() + b"\n")
            self.link.setblocking(False)


class Sink:
    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.is_over = False
        self.rules: dict[str, list[Rule]] = {}
        self.tls: ssl.SSLContext | None = None
        self.signals: list[Signal] = []
        self.sessions: set[Session] = set()
        self.held: set[Session] = set()
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = itertools.count()
        self.do_reset()
        self.control_listener = self.listen(0, lambda link: Control(self, link))
        self.listener = self.listen(0, self.greet)
        self.port = self.listener.getsockname()[1]
        self.is_listening = True

    # --- Connections

    def listen(self, port: int, welcome: Callable[[socket.socket], Any]) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), backlog=200)
        listener.setblocking(False)

        def accept() -> None:
            with contextlib.suppress(BlockingIOError):
                link = listener.accept()[0]
                link.setblocking(False)
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.selector.register(link, selectors.EVENT_READ, welcome(link).ready)

        self.selector.register(listener, selectors.EVENT_READ, accept)
        return listener

    def greet(self, link: socket.socket) -> Session:
        session = Session(self, link)
        self.sessions.add(session)
        # After the selector knows it: a rule may close it at once.
        self.after(0, lambda: (session.answer("greeting"), session.work()))
        return session

    def forget(self, session: Session) -> None:
        self.sessions.discard(session)
        self.held.discard(session)
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(session.link)
        session.link.close()

    def run(self) -> None:
        while not self.is_over:
            left = self.timers[0][0] - time.monotonic() if self.timers else 1.0
            for key, _mask in self.selector.select(max(0.0, left)):
                key.data()
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                heapq.heappop(self.timers)[2]()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.numbers), act))

    def wait(self, session: Session, seconds: float) -> None:
        self.selector.unregister(session.link)
        self.held.add(session)
        if seconds < FOR_EVER:
            self.after(seconds, lambda: self.go_on(session))

    def go_on(self, session: Session) -> None:
        if session in self.held:
            self.held.discard(session)
            self.selector.register(session.link, selectors.EVENT_READ, session.ready)
            session.go_on()

    # --- Letters

    def rule(self, stage: str, recipient: bytes) -> Rule | None:
        rules = self.rules.get(stage)
        if not rules:
            return None
        found = next((rule for rule in rules if rule.applies(recipient)), None)
        self.erred += found is not None
        return found

    def keep(self, text: bytes) -> None:
        self.taken[message_id(text)] += 1
        self.total += 1
        self.forged += b"\nSubject: Forged" in text
        self.buckets[int(time.monotonic() * BUCKETS_PER_SECOND)] += 1
        if self.signals:
            due = [signal for signal in self.signals if signal.at <= self.total]
            self.signals = [signal for signal in self.signals if signal.at > self.total]
            for signal in due:
                self.send(signal)

    def send(self, signal: Signal) -> None:
        def act() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(signal.pid, signal.signal)

        if signal.delay:
            self.after(signal.delay, act)
        else:
            act()

    # --- What the control may ask for

    def do_reset(self) -> None:
        self.taken: Counter[str] = Counter()
        self.buckets: Counter[int] = Counter()
        self.total = 0
        self.forged = 0
        self.erred = 0
        self.signals = []

    def do_rules(self, rules: list[dict[str, Any]]) -> None:
        """Put these rules in the place of all others; without any, what was held goes on as well."""
        self.rules = {}
        for rule in rules:
            self.rules.setdefault(rule["stage"], []).append(Rule(**rule))
        if not rules:
            self.do_release()

    def do_tls(self, certificate: str) -> None:
        """Offer STARTTLS with the key and certificate in this file; not at all for an empty name."""
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self.tls:
            self.tls.load_cert_chain(certificate)

    def do_signals(self, signals: list[dict[str, Any]]) -> None:
        self.signals += [Signal(**signal) for signal in signals]

    def do_release(self) -> int:
        held = list(self.held)
        for session in held:
            self.go_on(session)
        return len(held)

    def do_close(self) -> None:
        """Refuse connections from now on, and hang up on those there are."""
        self.selector.unregister(self.listener)
        self.listener.close()
        self.is_listening = False
        for session in list(self.sessions):
            session.close()

    def do_open(self) -> None:
        if not self.is_listening:
            self.listener = self.listen(self.port, self.greet)
            self.is_listening = True

    def do_look(self) -> dict[str, int]:
        counts = {"connections": len(self.sessions), "held": len(self.held)}
        return counts | {"total": self.total, "forged": self.forged, "erred": self.erred}

    def do_taken(self) -> dict[str, int]:
        return self.taken

    def do_rate(self) -> float:
        """Tell the letters a second of the busiest whole second."""
        counts = [self.buckets[at] for at in range(min(self.buckets), max(self.buckets) + 1)] if self.buckets else [0]
        spans = [counts[at : at + BUCKETS_PER_SECOND] for at in range(max(1, len(counts) - BUCKETS_PER_SECOND + 1))]
        return max(map(sum, spans)) * BUCKETS_PER_SECOND / max(1, min(BUCKETS_PER_SECOND, len(counts)))


def main() -> None:
    sink = Sink()
    # Counters and open sessions are all that lives for long; looking through them for cycles finds nothing.
    gc.disable()
    print(sink.port, sink.control_listener.getsockname()[1], flush=True)
    sink.run()


if __name__ == "__main__":
    main()
