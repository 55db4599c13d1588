"""Moves octets through one non-blocking socket, plain or TLS, and knows how much of what it was given has left.

It reads whole replies and no meaning; what it raises is ``OSError``.
"""

import contextlib
import ipaddress
import os
import selectors
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

Address = tuple[int, Any]
RawReply = tuple[int, list[bytes]]

RECEIVED_AT_ONCE: Final = 65536
JOINED_AT_MOST: Final = 262144  # beyond that a copy costs more than a second write
TLS_RECORD: Final = 16384  # RFC 8446 5.1
LONGEST_LINE: Final = 4096  # RFC 5321 4.5.3.1.5 allows 512; servers write more
MOST_LINES: Final = 200

_WAITS: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_NOTHING: Final = memoryview(b"")


class Wire:
    """A socket that is being connected from the start; ``holder`` is what the selector gives back for its events.

    ``exposed``: octets, counted since :meth:`start_counting`, that may have left this machine.

    :raises OSError: when there is no route, no descriptor or the like.
    """

    __slots__ = (
        "_holder",
        "_is_tls",
        "_mask",
        "_pending",
        "_reply",
        "_rest",
        "_selector",
        "_sent",
        "_shake",
        "_socket",
        "_unsent",
        "exposed",
        "is_broken",
        "progress_at",
    )

    def __init__(self, selector: selectors.BaseSelector, holder: object, address: Address) -> None:
        self.exposed = 0
        self.is_broken = False
        self.progress_at = 0.0
        self._selector = selector
        self._holder = holder
        self._is_tls = False
        self._shake: Callable[[], None] = _nothing
        self._pending: Callable[[], int] = int
        self._mask = 0
        self._reply: list[bytes] = []
        self._rest = b""
        self._sent = 0
        self._unsent = _NOTHING
        self._socket = socket.socket(address[0], socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(BlockingIOError):  # that is: on its way
                self._socket.connect(address[1])
            self._watch(selectors.EVENT_WRITE)
        except OSError:
            self._socket.close()
            raise

    @property
    def is_writing(self) -> bool:
        """Whether the other side has not taken everything yet."""
        return bool(self._unsent)

    @property
    def is_loopback(self) -> bool:
        """Whether the other side is this machine."""
        host = str(self._socket.getpeername()[0]).partition("%")[0]
        return ipaddress.ip_address(host).is_loopback

    def finish_connecting(self) -> None:
        """See whether the connection came about.

        :raises OSError: when it did not.
        """
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self._watch(selectors.EVENT_READ)

    def wrap(self, context: ssl.SSLContext, host: str) -> None:
        """Turn to TLS; whatever was read before is forgotten, for anybody could have put it there (CVE-2011-0411)."""
        self._selector.unregister(self._socket)
        self._mask = 0
        self._rest, self._reply = b"", []
        tls = context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
        self._socket, self._shake, self._pending = tls, tls.do_handshake, tls.pending
        self._is_tls = True
        self._watch(selectors.EVENT_READ)

    def shake_hands(self) -> bool:
        """Go on with the TLS handshake; return whether it is done.

        :raises ssl.SSLError: when certificate, host name or protocol are not good.
        """
        try:
            self._shake()
        except ssl.SSLWantReadError:
            self._watch(selectors.EVENT_READ)
            return False
        except ssl.SSLWantWriteError:
            self._watch(selectors.EVENT_WRITE)
            return False
        self._watch(selectors.EVENT_READ)
        return True

    def start_counting(self) -> None:
        """Count what is sent from here on."""
        self._sent = self.exposed = 0

    def flush(self, output: list[bytes], now: float) -> None:
        """Send what can be sent now. A failure shows at the next reading, after the replies that came before it."""
        while (self._unsent or output) and not self.is_broken:
            if not self._unsent:
                self._unsent = memoryview(_chunk(output))
            try:
                self._send(now)
            except _WAITS:
                self._watch(selectors.EVENT_READ | selectors.EVENT_WRITE)
                return
            except OSError:
                self.is_broken = True
        if self.is_broken:
            output.clear()
            self._unsent = _NOTHING
        self._watch(selectors.EVENT_READ)

    def receive(self) -> list[RawReply]:
        """Read what is there and return the replies that are whole: the code and the lines; code 0 is no reply at all.

        :raises OSError: when the line is broken or closed.
        """
        try:
            data = self._socket.recv(RECEIVED_AT_ONCE)
            # What TLS has decrypted is not in the socket any more, and no selector speaks of it.
            while self._pending():
                data += self._socket.recv(RECEIVED_AT_ONCE)
        except _WAITS:
            return []
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return self._whole_replies(data)

    def close(self) -> None:
        """Let go of the socket."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(self._socket)
        self._socket.close()

    def _send(self, now: float) -> None:
        if self._is_tls:
            # A record that OpenSSL has begun with may leave whole or not at all, and it does not say which.
            piece = self._unsent[:TLS_RECORD]
            self.exposed = self._sent + len(piece)
        else:
            piece = self._unsent  # a plain send that fails has taken nothing
        count = self._socket.send(piece)
        self._sent += count
        self.exposed = self._sent
        self._unsent = self._unsent[count:] if count < len(self._unsent) else _NOTHING
        self.progress_at = now

    def _whole_replies(self, data: bytes) -> list[RawReply]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        replies: list[RawReply] = []
        for line in lines:
            self._reply.append(line.rstrip(b"\r"))
            if line[3:4] != b"-":
                code = line[:3]
                replies.append((int(code) if code.isdigit() else 0, self._reply))
                self._reply = []
        if len(self._rest) > LONGEST_LINE or len(self._reply) > MOST_LINES:
            replies.append((0, [*self._reply, self._rest[:LONGEST_LINE]]))
            self._rest, self._reply = b"", []
        return replies

    def _watch(self, mask: int) -> None:
        if mask == self._mask:
            return
        if self._mask:
            self._selector.modify(self._socket, mask, self._holder)
        else:
            self._selector.register(self._socket, mask, self._holder)
        self._mask = mask


def _nothing() -> None:
    """Shake hands on a plain line."""


def _chunk(output: list[bytes]) -> bytes:
    """Take the next piece to be sent: everything in one, unless a large text comes first."""
    if len(output) == 1 or len(output[0]) > JOINED_AT_MOST:
        return output.pop(0)
    chunk = b"".join(output)
    output.clear()
    return chunk
