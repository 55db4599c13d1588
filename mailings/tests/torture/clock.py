"""A wall clock that processes are told by (libfaketime), and that jumps; how long things take stays as it is."""

from __future__ import annotations

from pathlib import Path

LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


class Clock:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        self.jump(0)

    def jump(self, hours: int) -> None:
        """Stand so many hours beside the right time from now on."""
        self.file.write_text(f"{hours:+d}h")

    def env(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
