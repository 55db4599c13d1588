"""A scripted mail server on a port of its own: it speaks SMTP as Postfix does and errs exactly where it is told to.

As a process (``python -m mailings.tests.smtp_server --port 0 --dir DIR``) it prints its port; letters become files.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import re
import signal
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

FEATURES = ("PIPELINING", "SIZE 10485760", "ENHANCEDSTATUSCODES", "8BITMIME")

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>]*)>", re.IGNORECASE | re.MULTILINE)
_PATH = re.compile(r"(?:FROM|TO):<([^>]*)>(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Say:
    """Answer this instead; ``keeps``: take the letter all the same. ``pause``: seconds before each octet."""

    text: str
    keeps: bool = False
    pause: float = 0.0


@dataclass(frozen=True)
class Close:
    """Hang up without an answer; ``keeps``: take the letter first."""

    keeps: bool = False


@dataclass(frozen=True)
class Wait:
    """Do as usual, but so many seconds later, or when :meth:`Server.release` is called."""

    seconds: float = 30.0


Action = Say | Close | Wait


@dataclass(frozen=True)
class Kept:
    """An accepted letter, with dots unstuffed."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    connection: int

    @property
    def message_id(self) -> str:
        found = _MESSAGE_ID.search(self.data)
        return found[1].decode() if found else ""


@dataclass
class Server:
    """A server for a ``with`` block.

    ``script`` says what to do at the n-th occurrence of a verb over all connections, 0 for each:
    ``{("DOT", 2): Close()}``. Verbs are those of SMTP, ``CONNECT`` for the greeting, ``DOT`` for the end of a text,
    ``SECRET`` for what follows AUTH.
    """

    script: Mapping[tuple[str, int], Action] = field(default_factory=dict)
    features: tuple[str, ...] = FEATURES
    rcpt: Callable[[str], str | None] = lambda _: None
    users: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    is_tls_from_start: bool = False
    wants_empty_text: bool = False
    is_strict: bool = True
    host: str = "127.0.0.1"
    port: int = 0
    on_letter: Callable[[Kept], None] = lambda _: None

    def __post_init__(self) -> None:
        self.letters: list[Kept] = []
        self.commands: list[tuple[int, str]] = []
        self.seen: Counter[str] = Counter()
        self.connections = 0
        self.most_at_once = 0
        self._open: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._is_released = threading.Event()
        self._listener = socket.create_server((self.host, self.port), backlog=64)
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._open.values())
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    @property
    def accepted(self) -> Counter[str]:
        """How often each Message-ID was accepted."""
        return Counter(letter.message_id for letter in self.letters)

    def recipients(self) -> list[str]:
        """Whom letters were accepted for, sorted."""
        return sorted(recipient for letter in self.letters for recipient in letter.recipients)

    def release(self) -> None:
        """End all waiting, now and from now on."""
        self._is_released.set()

    def wait(self, seconds: float) -> None:
        self._is_released.wait(seconds)

    def action(self, verb: str, number: int, line: str) -> Action | None:
        """Note what was said and return what the script has for it."""
        with self._lock:
            self.seen[verb] += 1
            self.commands.append((number, line))
            return self.script.get((verb, self.seen[verb])) or self.script.get((verb, 0))

    def keep(self, letter: Kept) -> None:
        with self._lock:
            self.letters.append(letter)
        self.on_letter(letter)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open[self.connections] = connection
                self.most_at_once = max(self.most_at_once, len(self._open))
                number = self.connections
            self._start(lambda connection=connection, number=number: self._serve(connection, number))

    def _serve(self, connection: socket.socket, number: int) -> None:
        talk = Talk(self, connection, number)
        try:
            talk.hold()
        except (OSError, ValueError, Over):
            pass
        finally:
            with self._lock:
                self._open.pop(number, None)
            talk.close()


class Over(Exception):
    """The connection ends here."""


class Talk:
    """One connection, in a thread of its own."""

    def __init__(self, server: Server, connection: socket.socket, number: int) -> None:
        self.server = server
        self.number = number
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.user = ""
        self._use(connection)

    def hold(self) -> None:
        if self.server.is_tls_from_start:
            self.start_tls()
        self.answer("CONNECT", "", "220 test.example ESMTP")
        while line := self._file.readline():
            command = line.decode("utf-8", "replace").rstrip("\r\n")
            verb = command.split(" ", 1)[0].upper()
            self.do(verb, command)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def do(self, verb: str, command: str) -> None:
        handler = getattr(self, f"do_{verb.lower()}", None)
        if handler is None:
            self.answer(verb, command, "500 5.5.2 unknown command")
        else:
            handler(command)

    def do_ehlo(self, command: str) -> None:
        features = [*self.server.features]
        if self.server.tls and not self.server.is_tls_from_start and not isinstance(self._socket, ssl.SSLSocket):
            features.append("STARTTLS")
        lines = ["test.example", *features]
        self.answer("EHLO", command, "\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def do_starttls(self, command: str) -> None:
        if self.answer("STARTTLS", command, "220 2.0.0 go ahead"):
            self.start_tls()

    def start_tls(self) -> None:
        assert self.server.tls is not None
        self._use(self.server.tls.wrap_socket(self._socket, server_side=True))

    def do_auth(self, command: str) -> None:
        _, mechanism, *initial = command.split(" ")
        if mechanism == "PLAIN":
            user, password = base64.b64decode(initial[0]).decode().split("\0")[1:]
        else:
            user, password = self.ask("VXNlcm5hbWU6"), self.ask("UGFzc3dvcmQ6")
        is_right = self.server.users.get(user) == password
        self.answer("AUTH", command, "235 2.7.0 welcome" if is_right else "535 5.7.8 wrong name or password")

    def ask(self, prompt: str) -> str:
        self.say(f"334 {prompt}")
        line = self._file.readline().strip()
        self.server.action("SECRET", self.number, line.decode())
        return base64.b64decode(line).decode()

    def do_mail(self, command: str) -> None:
        if self.sender is not None and self.server.is_strict:
            self.answer("MAIL", command, "503 5.5.1 Error: nested MAIL command")
        elif self.answer("MAIL", command, "250 2.1.0 Ok"):
            self.sender, self.recipients = _path(command), []

    def do_rcpt(self, command: str) -> None:
        if self.sender is None:
            self.answer("RCPT", command, "503 5.5.1 Error: need MAIL command")
        elif self.answer("RCPT", command, self.server.rcpt(_path(command)) or "250 2.1.5 Ok"):
            self.recipients.append(_path(command))

    def do_data(self, command: str) -> None:
        wants = bool(self.recipients) or self.server.wants_empty_text
        if not self.answer("DATA", command, "354 End data" if wants else "554 5.5.1 Error: no valid recipients"):
            return
        data = self.read_text()
        sender, recipients, self.sender, self.recipients = self.sender, self.recipients, None, []
        letter = Kept(sender or "", tuple(recipients), data, self.number)
        self.answer("DOT", ".", "250 2.0.0 Ok: queued" if recipients else "554 5.5.1 no valid recipients", letter)

    def read_text(self) -> bytes:
        lines = []
        while (line := self._file.readline()) != b".\r\n":
            if not line:
                raise Over
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def do_rset(self, command: str) -> None:
        self.sender = None
        self.answer("RSET", command, "250 2.0.0 Ok")

    def do_noop(self, command: str) -> None:
        self.answer("NOOP", command, "250 2.0.0 Ok")

    def do_quit(self, command: str) -> None:
        self.answer("QUIT", command, "221 2.0.0 Bye")
        raise Over

    def answer(self, verb: str, command: str, usual: str, letter: Kept | None = None) -> bool:
        """Answer as the script or as usual; return whether it was a yes."""
        action = self.server.action(verb, self.number, command) or Say(usual)
        if isinstance(action, Wait):
            self.server.wait(action.seconds)
            action = Say(usual)
        if isinstance(action, Close):
            if letter and action.keeps:
                self.server.keep(letter)
            raise Over
        is_yes = action.text[:1] in ("2", "3")
        if letter and letter.recipients and (is_yes or action.keeps):
            self.server.keep(letter)
        self.say(action.text, action.pause)
        if action.text.startswith("421"):
            raise Over
        return is_yes

    def say(self, text: str, pause: float = 0.0) -> None:
        line = f"{text}\r\n".encode()
        for piece in [line[at : at + 1] for at in range(len(line))] if pause else [line]:
            time.sleep(pause)
            self._socket.sendall(piece)

    def _use(self, connection: socket.socket) -> None:
        self._socket = connection
        self._file = connection.makefile("rb")


def _path(command: str) -> str:
    found = _PATH.search(command)
    return found[1] if found else ""


def refuse_by_name(recipient: str) -> str | None:
    """Answer for recipients whose local part begins with ``bad`` (no such user) or ``later`` (greylisted)."""
    if recipient.startswith("bad"):
        return "550 5.1.1 No such user here"
    if recipient.startswith("later"):
        return "451 4.7.1 Greylisted, try again later"
    return None


def write_into(folder: Path) -> Callable[[Kept], None]:
    """Return what keeps a letter as a file, whole or not at all, with its envelope on top."""

    def write(letter: Kept) -> None:
        envelope = [f"X-Envelope-From: <{letter.sender}>", *(f"X-Envelope-To: <{to}>" for to in letter.recipients)]
        name = f"{time.time_ns()}-{os.urandom(4).hex()}"
        part = folder / f".{name}.part"
        part.write_bytes("".join(f"{line}\r\n" for line in envelope).encode() + letter.data)
        part.rename(folder / f"{name}.eml")

    return write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dir", type=Path, required=True)
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    # Blocked first and awaited later: a signal that came just before a pause would be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with Server(rcpt=refuse_by_name, port=options.port, on_letter=write_into(options.dir)) as server:
        print(server.port, flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
