"""Moves octets through one non-blocking socket, plain or TLS, and knows how much of what it was given has left.

What it raises is ``OSError``.
"""

import contextlib
import ipaddress
import os
import socket
import ssl
from typing import Any, Final

from mailings.sending.poller import READ, WRITE, Holder, Poller
from mailings.sending.replies import RawReply, Replies

Address = tuple[int, Any]

RECEIVED_AT_ONCE: Final = 65536
JOINED_AT_MOST: Final = 262144  # beyond that a copy costs more than a second write
TLS_RECORD: Final = 16384  # RFC 8446 5.1

_WAITS: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """A socket that is being connected from the start; ``holder`` is whom the poller tells of it.

    ``exposed``: octets, counted since :meth:`start_counting`, that may have left this machine.

    :raises OSError: when there is no route, no descriptor or the like.
    """

    __slots__ = (
        "_holder",
        "_mask",
        "_poller",
        "_replies",
        "_sent",
        "_socket",
        "_tls",
        "_unsent",
        "exposed",
        "is_broken",
        "progress_at",
    )

    def __init__(self, poller: Poller[Holder], holder: Holder, address: Address) -> None:
        self.exposed = 0
        self.is_broken = False
        self.progress_at = 0.0
        self._poller: Poller[Any] = poller
        self._holder = holder
        self._mask = 0
        self._replies = Replies()
        self._sent = 0
        self._tls: ssl.SSLSocket | None = None
        self._unsent: bytes | memoryview = b""
        self._socket = socket.socket(address[0], socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(BlockingIOError):  # that is: on its way
                self._socket.connect(address[1])
            self._watch(WRITE)
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
        self._watch(READ)

    def wrap(self, context: ssl.SSLContext, host: str) -> None:
        """Turn to TLS; whatever was read before is forgotten, for anybody could have put it there (CVE-2011-0411)."""
        self._poller.forget(self._socket.fileno())
        self._mask = 0
        self._replies.forget()
        self._tls = context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
        self._socket = self._tls
        self._watch(READ)

    def shake_hands(self) -> bool:
        """Go on with the TLS handshake; return whether it is done.

        :raises ssl.SSLError: when certificate, host name or protocol are not good.
        """
        try:
            if self._tls is not None:
                self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(READ)
            return False
        except ssl.SSLWantWriteError:
            self._watch(WRITE)
            return False
        self._watch(READ)
        return True

    def start_counting(self) -> None:
        """Count what is sent from here on."""
        self._sent = self.exposed = 0

    def flush(self, output: list[bytes], now: float) -> None:
        """Send what can be sent now. A failure shows at the next reading, after the replies that came before it."""
        while (output or self._unsent) and not self.is_broken:
            piece = self._unsent or _chunk(output)
            try:
                count = self._send(piece)
            except _WAITS:
                self._unsent = piece
                self._watch(READ | WRITE)
                return
            except OSError:
                self.is_broken = True
            else:
                self._unsent = memoryview(piece)[count:] if count < len(piece) else b""
                self.progress_at = now
        if self.is_broken:
            output.clear()
            self._unsent = b""
        self._watch(READ)

    def receive(self) -> list[RawReply]:
        """Read what is there and return the replies that are whole.

        :raises OSError: when the line is broken or closed.
        """
        try:
            octets = self._socket.recv(RECEIVED_AT_ONCE)
            # What TLS has decrypted is not in the socket any more, and no poller speaks of it.
            while self._tls is not None and self._tls.pending():
                octets += self._tls.recv(RECEIVED_AT_ONCE)
        except _WAITS:
            return []
        if not octets:
            raise ConnectionResetError("the server closed the connection")
        return self._replies.take(octets)

    def close(self) -> None:
        """Let go of the socket."""
        self._poller.forget(self._socket.fileno())
        self._socket.close()

    def _send(self, piece: bytes | memoryview) -> int:
        if self._tls is not None:
            # A record that OpenSSL has begun with may leave whole or not at all, and it does not say which.
            piece = piece[:TLS_RECORD]
            self.exposed = self._sent + len(piece)
        count = self._socket.send(piece)  # a plain one that fails has taken nothing
        self._sent += count
        self.exposed = self._sent
        return count

    def _watch(self, mask: int) -> None:
        if mask != self._mask:
            self._poller.watch(self._socket.fileno(), mask, self._holder)
            self._mask = mask


def _chunk(output: list[bytes]) -> bytes:
    """Take the next piece to be sent: everything in one, unless a large text comes first."""
    if len(output) == 1 or len(output[0]) > JOINED_AT_MOST:
        return output.pop(0)
    chunk = b"".join(output)
    output.clear()
    return chunk
