"""A slow line to a mail server, as a process: every reply comes later by so much, and nothing else is changed.

`python latency.py PORT TARGET_PORT MILLISECONDS`. The options of smtp-sink delay single commands, and all sessions with
them; here each session waits for itself, as it does for a server that is far away.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque


class Reply(asyncio.Protocol):
    """The server's side of one session: what it says is kept back for a while, in order."""

    def __init__(self, client: asyncio.Transport, seconds: float) -> None:
        self.client = client
        self.seconds = seconds
        self.loop = asyncio.get_running_loop()
        self.kept: deque[bytes] = deque()

    def data_received(self, data: bytes) -> None:
        self.kept.append(data)
        self.loop.call_later(self.seconds, self.pass_on)

    def connection_lost(self, _error: Exception | None) -> None:
        # No data is empty: this stands for the end.
        self.data_received(b"")

    def pass_on(self) -> None:
        data = self.kept.popleft()
        if data:
            self.client.write(data)
        else:
            self.client.close()


class Command(asyncio.Protocol):
    """The client's side: what it says goes on at once."""

    def __init__(self, target: int, seconds: float) -> None:
        self.target = target
        self.seconds = seconds
        self.early: list[bytes] = []
        self.server: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        # Held by the protocol, or it could be collected on its way.
        self.opening = asyncio.get_running_loop().create_task(self.open(transport))

    async def open(self, client: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_connection(lambda: Reply(client, self.seconds), "127.0.0.1", self.target)
        self.server = server
        self.server.writelines(self.early)

    def data_received(self, data: bytes) -> None:
        if self.server is None:
            self.early.append(data)
        else:
            self.server.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.server is not None:
            self.server.close()


async def serve(port: int, target: int, milliseconds: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Command(target, milliseconds / 1000), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(*map(int, sys.argv[1:])))
