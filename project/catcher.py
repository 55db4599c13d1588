"""A mail server for the demo and for tests: keeps each letter as a file, takes everything and passes nothing on.

`python -m project.catcher --port 1025 --dir var/mailbox`
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session


class Keep:
    """What aiosmtpd calls for each letter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}.eml"
        write_whole(self.folder / name, with_envelope(envelope))
        return f"250 2.0.0 kept as {name}"


def with_envelope(envelope: Envelope) -> bytes:
    """Put the addresses of the SMTP session above the letter: they need not be the ones in its header."""
    people = [("X-Envelope-From", envelope.mail_from or ""), *(("X-Envelope-To", to) for to in envelope.rcpt_tos)]
    lines = "".join(f"{name}: <{address.strip('<>')}>\r\n" for name, address in people)
    content = envelope.original_content or b""
    return lines.encode() + content


def write_whole(path: Path, content: bytes) -> None:
    """Write under a hidden name first: whoever counts `*.eml` never meets half a letter."""
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(content)
    hidden.replace(path)


async def serve(host: str, port: int, folder: Path) -> None:
    """Take letters until SIGTERM or SIGINT.

    :raises OSError: the port is taken.
    """
    # Here, because production runs without this package.
    from aiosmtpd.smtp import SMTP as Protocol  # noqa: PLC0415, N811

    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    def protocol() -> Protocol:
        # A host name of our own: aiosmtpd would ask the DNS for ours at every connection.
        return Protocol(Keep(folder), data_size_limit=None, enable_SMTPUTF8=True, hostname="localhost", loop=loop)

    server = await loop.create_server(protocol, host, port)
    port = server.sockets[0].getsockname()[1]
    print(f"Letters for {host}:{port} are kept in {folder}", flush=True)
    await stopped.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m project.catcher", description="Keep letters as files.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1025, help="0 picks a free one and prints it")
    parser.add_argument("--dir", type=Path, default=Path("var/mailbox"), help="one .eml file for each letter")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(serve(options.host, options.port, options.dir))
    except OSError as error:
        sys.exit(f"The catcher cannot listen on {options.host}:{options.port}: {os.strerror(error.errno or 0)}")


if __name__ == "__main__":
    main()
