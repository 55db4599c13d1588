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
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BUCKETS_PER_SECOND = 4
FOR_EVER = 1e9
END = b"\r\n.\r\n"
HEADER_OCTETS = 2048
ANSWERS = {
    "greeting": b"220 sink.example ESMTP\r\n",
    "ehlo": b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-ENHANCEDSTATUSCODES\r\n"
    b"250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n",
    "auth": b"235 2.7.0 welcome\r\n",
    "mail": b"250 2.1.0 OK\r\n",
    "rcpt": b"250 2.1.5 OK\r\n",
    "data": b"354 go on\r\n",
    "dot": b"250 2.0.0 taken\r\n",
}
OTHERS = {b"RSET": b"250 2.0.0 OK\r\n", b"NOOP": b"250 2.0.0 OK\r\n", b"QUIT": b"221 2.0.0 bye\r\n"}
STAGES = {b"EHLO": "ehlo", b"HELO": "ehlo", b"AUTH": "auth", b"MAIL": "mail", b"RCPT": "rcpt", b"DATA": "data"}


@dataclass
class Rule:
    """What is done at a stage instead of taking it well; an empty `match` is for every recipient.

    `every`: only the n-th time, 2n-th, … `times`: so often, then no more. `keep`: the letter counts (at "dot" only).
    `delay`: seconds before the answer; `FOR_EVER` holds it until the control says "release".
    """

    stage: str
    match: str = ""
    say: str = ""
    keep: bool = True
    close: bool = False
    delay: float = 0.0
    every: int = 1
    times: int = -1
    seen: int = 0

    def applies(self, recipient: bytes) -> bool:
        if not self.times or (self.match and self.match.encode() not in recipient):
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.times -= 1
        return True


@dataclass
class Signal:
    """A signal to a process when the n-th letter has come in whole, before it is answered, or so much later."""

    pid: int
    at: int
    signal: int
    delay: float = 0.0


def message_id(text: bytes) -> str:
    """Read the Message-ID from a letter's header, as we write it or as smtp-source does."""
    for name in (b"\nMessage-ID: <", b"\nMessage-Id: <"):
        begin = text.find(name, 0, HEADER_OCTETS)
        if begin >= 0:
            begin += len(name)
            return text[begin : text.find(b">", begin)].decode("ascii")
    return ""


class Session:
    """One connection. While an answer is delayed nothing more is read from it, as from a server that thinks."""

    def __init__(self, sink: Sink, link: socket.socket) -> None:
        self.sink = sink
        self.link = link
        self.buffer = b""
        self.is_text = False
        self.is_waiting = False
        self.is_open = True
        self.recipient = b""
        self.has_sender = self.has_recipient = False
        self.answers: list[bytes] = []

    def ready(self) -> None:
        try:
            data = self.link.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self.buffer = self.buffer + data if self.buffer else data
        self.work()

    def work(self) -> None:
        """Take whatever stands whole in the buffer, and answer it in one write."""
        at = 0
        while self.is_open and not self.is_waiting:
            took = self.take_text(at) if self.is_text else self.take_line(at)
            if took == at:
                break
            at = took
        self.buffer = self.buffer[at:]
        if self.is_open and not self.is_waiting:
            self.flush()

    def take_line(self, at: int) -> int:
        end = self.buffer.find(b"\n", at)
        if end < 0:
            return at
        line = self.buffer[at:end]
        verb = line[:4].upper()
        if verb == b"RCPT":
            self.recipient = line[line.find(b"<") + 1 : line.find(b">")]
        stage = STAGES.get(verb)
        if stage:
            self.answer(stage)
        else:
            self.answers.append(OTHERS.get(verb.strip(), b"502 5.5.1 what?\r\n"))
        return end + 1

    def take_text(self, at: int) -> int:
        if self.buffer.startswith(b".\r\n", at):
            end, after = at, at + 3
        else:
            end = self.buffer.find(END, at)
            after = end + len(END)
        if end < 0:
            return at
        self.is_text = False
        self.answer("dot", self.buffer[at:end])
        return after

    def answer(self, stage: str, text: bytes = b"") -> None:
        if stage == "dot" and not self.has_recipient:
            # RFC 2920 3.1: a client that pipelined DATA behind a refused RCPT ends its text without a line.
            self.answers.append(b"554 5.5.1 no valid recipients\r\n")
            return
        rule = self.sink.rule(stage, self.recipient)
        is_well = rule is None or not rule.say
        if stage == "mail":
            self.has_sender, self.has_recipient = is_well, False
        elif stage == "rcpt":
            self.has_recipient = self.has_sender and is_well
        if rule is None:
            if stage == "dot":
                self.sink.keep(text)
            elif stage == "data":
                self.is_text = True
            self.answers.append(ANSWERS[stage])
        else:
            self.obey(rule, text)

    def obey(self, rule: Rule, text: bytes) -> None:
        if rule.stage == "dot" and rule.keep:
            self.sink.keep(text)
        if rule.say:
            self.answers.append(f"{rule.say}\r\n".encode())
        elif not rule.close:
            self.is_text = rule.stage == "data"
            self.answers.append(ANSWERS[rule.stage])
        if rule.delay:
            self.is_waiting = True
            self.sink.wait(self, rule.delay)
        elif rule.close:
            self.flush()
            self.close()

    def go_on(self) -> None:
        self.is_waiting = False
        self.flush()
        self.work()

    def flush(self) -> None:
        if not self.answers or not self.is_open:
            return
        octets = b"".join(self.answers)
        self.answers.clear()
        try:
            is_sent = self.link.send(octets) == len(octets)
        except OSError:
            is_sent = False
        if not is_sent:
            self.close()

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.sink.forget(self)


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
        return next((rule for rule in rules if rule.applies(recipient)), None) if rules else None

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
        self.signals = []

    def do_rules(self, rules: list[dict[str, Any]]) -> None:
        """Put these rules in the place of all others; without any, what was held goes on as well."""
        self.rules = {}
        for rule in rules:
            self.rules.setdefault(rule["stage"], []).append(Rule(**rule))
        if not rules:
            self.do_release()

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
        return counts | {"total": self.total, "forged": self.forged}

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
