"""A door between the product and a service (PostgreSQL, Redis): cut, shut, or losing an answer on its way back."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading

Pair = tuple[socket.socket, socket.socket]


class Proxy:
    """Forwards to `port` of this machine from a port of its own, in one thread, until `stop`."""

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.is_open = True
        self.loses_answer = False
        self.cuts = 0
        self.pairs: list[Pair] = []
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.alarm_in, self.alarm_out = os.pipe()
        self.selector.register(self.alarm_in, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    # --- What the faults do

    def cut(self) -> None:
        """Break all connections there are; new ones are let through."""
        with self.lock:
            for pair in list(self.pairs):
                self.drop(pair)

    def shut(self) -> None:
        """Break all connections and let none through: the service is away."""
        self.is_open = False
        self.cut()

    def open(self) -> None:
        self.is_open = True

    def lose_answer(self) -> None:
        """Break all connections instead of passing on the service's next answer: it has done what it was asked to."""
        self.loses_answer = True

    def stop(self) -> None:
        os.write(self.alarm_out, b"!")
        self.thread.join(timeout=5)
        self.shut()
        self.selector.close()
        self.listener.close()
        os.close(self.alarm_in)
        os.close(self.alarm_out)

    # --- The thread

    def run(self) -> None:
        while True:
            for key, _mask in self.selector.select(timeout=1):
                if key.fileobj == self.alarm_in:
                    return
                with self.lock:
                    if key.fileobj is self.listener:
                        self.accept()
                    else:
                        self.forward(key.fileobj, *key.data)

    def accept(self) -> None:
        link = self.listener.accept()[0]
        try:
            if not self.is_open:
                raise ConnectionRefusedError
            service = socket.create_connection(("127.0.0.1", self.upstream), timeout=5)
        except OSError:
            link.close()
            return
        pair = (link, service)
        self.pairs.append(pair)
        for side, other in (pair, pair[::-1]):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(side, selectors.EVENT_READ, (other, pair))

    def forward(self, side: socket.socket, other: socket.socket, pair: Pair) -> None:
        if pair not in self.pairs:
            return
        try:
            data = side.recv(262144)
            if data and self.loses_answer and side is pair[1]:
                self.loses_answer = False
                self.cuts += 1
                for each in list(self.pairs):
                    self.drop(each)
            elif data:
                other.sendall(data)
            else:
                self.drop(pair)
        except OSError:
            self.drop(pair)

    def drop(self, pair: Pair) -> None:
        self.pairs.remove(pair)
        for side in pair:
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(side)
            side.close()
