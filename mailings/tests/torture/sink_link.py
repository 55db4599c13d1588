"""Starts the counting mail server and talks to it over its control connection."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from mailings.tests.torture.rule import FOR_EVER

__all__ = ["FOR_EVER", "SinkLink"]


class SinkLink:
    def __init__(self, folder: Path) -> None:
        self.log = (folder / "sink.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mailings.tests.torture.sink"], stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        self.port, control = (int(word) for word in self.process.stdout.readline().split())
        self.link = socket.create_connection(("127.0.0.1", control), timeout=60)
        self.answers = self.link.makefile()
        self.is_to_err = False

    def ask(self, name: str, **arguments: Any) -> Any:
        self.link.sendall(json.dumps([name, arguments]).encode() + b"\n")
        return json.loads(self.answers.readline())

    def reset(self) -> None:
        """Let the server be well, count from 0 and speak in the clear."""
        self.ask("open")
        self.rules()
        self.ask("tls", certificate="")
        self.ask("reset")
        self.is_to_err = False

    def rules(self, *rules: dict[str, Any]) -> None:
        self.is_to_err = self.is_to_err or bool(rules)
        self.ask("rules", rules=rules)

    def has_erred(self) -> bool:
        """Tell whether the server did anything of what it was told, if it was told anything."""
        return not self.is_to_err or self.look()["erred"] > 0

    def look(self) -> dict[str, int]:
        return self.ask("look")

    def taken(self) -> dict[str, int]:
        """Return how often each letter was accepted, by Message-ID."""
        return self.ask("taken")

    def stop(self) -> None:
        self.answers.close()
        self.link.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
