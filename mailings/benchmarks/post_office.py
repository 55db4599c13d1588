"""django-post_office in a virtual environment of its own under var/, made with pip when it is first asked for."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mailings.benchmarks.processes import ROOT, Fault, run

HOME = ROOT / "var" / "bench-post-office"
PACKAGES = ("django-post_office==3.12.0", *(f"{name}=={version(name)}" for name in ("Django", "psycopg2-binary")))


def python() -> Path:
    """Return its Python, which is made now if it is not there; a half-made one is thrown away.

    :raises Fault: pip could not install the packages.
    """
    found, stamp = HOME / "bin" / "python", HOME / "packages"
    if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
        shutil.rmtree(HOME, ignore_errors=True)
        try:
            run([sys.executable, "-m", "venv", str(HOME)], 120)
            run([str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES], 300)
        except Fault as fault:
            raise Fault(f"no environment for django-post_office in {HOME}: {fault}") from fault
        stamp.write_text(" ".join(PACKAGES))
    return found


def send(port: int, letters: int, processes: int, environment: Mapping[str, str], scratch: Path) -> dict[str, Any]:
    """Queue and send so many of our letters with it, and return its seconds and its own count of what was sent."""
    command = [
        str(python()),
        "-m",
        "mailings.benchmarks.peer",
        str(port),
        str(letters),
        str(processes),
        str(scratch / "post-office.lock"),
    ]
    env = {**environment, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    found: dict[str, Any] = json.loads(run(command, 900, env).strip().splitlines()[-1])
    return found
