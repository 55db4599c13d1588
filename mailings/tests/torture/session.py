"""One SMTP connection of the counting mail server: its parser does what a mailing needs, and no more."""

from __future__ import annotations

import selectors
import ssl
from typing import TYPE_CHECKING

from mailings.tests.torture.rule import FOR_EVER, Rule

if TYPE_CHECKING:
    import socket

    from mailings.tests.torture.sink import Sink

END = b"\r\n.\r\n"
OCTETS = 65536
ANSWERS = {
    "greeting": b"220 sink.example ESMTP\r\n",
    "ehlo": b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-ENHANCEDSTATUSCODES\r\n"
    b"250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n",
    "starttls": b"220 2.0.0 go ahead\r\n",
    "auth": b"235 2.7.0 welcome\r\n",
    "mail": b"250 2.1.0 OK\r\n",
    "rcpt": b"250 2.1.5 OK\r\n",
    "data": b"354 go on\r\n",
    "dot": b"250 2.0.0 taken\r\n",
}
OTHERS = {b"RSET": b"250 2.0.0 OK\r\n", b"NOOP": b"250 2.0.0 OK\r\n", b"QUIT": b"221 2.0.0 bye\r\n"}
STAGES = {
    b"EHLO": "ehlo",
    b"STAR": "starttls",
    b"AUTH": "auth",
    b"MAIL": "mail",
    b"RCPT": "rcpt",
    b"DATA": "data",
}  # fmt: skip
NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


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
        # Whether to hang up as soon as a text has begun.
        self.breaks_off = False

    def ready(self) -> None:
        try:
            data = self.receive()
        except NOTHING_YET:
            return
        except OSError:
            data = b""
        if not data or self.breaks_off:
            self.close()
            return
        self.buffer = self.buffer + data if self.buffer else data
        self.work()

    def receive(self) -> bytes:
        data = self.link.recv(OCTETS)
        if isinstance(self.link, ssl.SSLSocket):
            # What TLS has unpacked already does not make the socket ready again.
            while self.link.pending():
                data += self.link.recv(OCTETS)
        return data

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
        if stage and (stage != "starttls" or self.offers_tls):
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
        if rule is not None:
            self.obey(rule, text)
            return
        if stage == "dot":
            self.sink.keep(text)
        self.say_yes(stage)

    def say_yes(self, stage: str) -> None:
        self.answers.append(ANSWERS[stage])
        if stage == "data":
            self.is_text = True
            self.breaks_off = self.sink.rule("text", self.recipient) is not None
        elif stage == "ehlo" and self.offers_tls:
            self.answers.insert(0, b"250-sink.example\r\n250-STARTTLS\r\n")
        elif stage == "starttls":
            self.start_tls()

    @property
    def offers_tls(self) -> bool:
        return self.sink.tls is not None and not isinstance(self.link, ssl.SSLSocket)

    def start_tls(self) -> None:
        """Go on behind TLS, whose handshake comes with the first octets that are read."""
        self.flush()
        self.sink.selector.unregister(self.link)
        assert self.sink.tls is not None
        self.link = self.sink.tls.wrap_socket(self.link, server_side=True, do_handshake_on_connect=False)
        self.sink.selector.register(self.link, selectors.EVENT_READ, self.ready)

    def obey(self, rule: Rule, text: bytes) -> None:
        if rule.stage == "dot" and rule.keep:
            self.sink.keep(text)
        if rule.say:
            self.answers.append(f"{rule.say}\r\n".encode())
        elif not rule.close:
            self.say_yes(rule.stage)
        if rule.drip:
            self.is_waiting = True
            self.sink.wait(self, FOR_EVER)
            self.drip(self.taken_answers(), rule.drip)
        elif rule.delay:
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
        if self.answers and self.is_open:
            self.send(self.taken_answers())

    def taken_answers(self) -> bytes:
        octets = b"".join(self.answers)
        self.answers.clear()
        return octets

    def send(self, octets: bytes) -> None:
        try:
            is_sent = self.link.send(octets) == len(octets)
        except OSError:
            is_sent = False
        if not is_sent:
            self.close()

    def drip(self, octets: bytes, pause: float) -> None:
        """Say something octet by octet."""
        if self.is_open and octets:
            self.send(octets[:1])
            self.sink.after(pause, lambda: self.drip(octets[1:], pause))
        elif self.is_open:
            self.sink.go_on(self)

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.sink.forget(self)
