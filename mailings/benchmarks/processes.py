"""The bench's own child processes: started without a shell, bounded in time, gone when the bench is gone."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SETPRIV = shutil.which("setpriv")


class Fault(Exception):
    """A figure cannot be told: something broke, or two counts that must be equal are not."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    """:raises Fault: it is not so within that many seconds."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise Fault(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def mortal(command: Sequence[str]) -> list[str]:
    """Let the child end with the bench even where the bench is killed outright (prctl PR_SET_PDEATHSIG)."""
    return [SETPRIV, "--pdeathsig", "TERM", "--", *command] if SETPRIV else list(command)


@contextlib.contextmanager
def service(
    command: Sequence[str], log: Path, user: str | None = None, stop_by: int = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for as long as the context lasts, its output in `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  our own commands
            mortal(command),
            cwd=log.parent,
            user=user,
            group=user and group_of(user),
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        stop(process, stop_by)


def group_of(user: str) -> int:
    import pwd  # noqa: PLC0415  only POSIX has it, and only root gets here

    return pwd.getpwnam(user).pw_gid


def stop(process: subprocess.Popen[bytes], by: int = signal.SIGTERM) -> None:
    if process.poll() is None:
        process.send_signal(by)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(command: Sequence[str], seconds: float, env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it wrote.

    :raises Fault: it fails or takes longer.
    """
    try:
        done = subprocess.run(  # noqa: S603  our own commands
            mortal(command),
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise Fault(f"longer than {seconds:.0f} s: {' '.join(command[:6])}") from error
    except subprocess.CalledProcessError as error:
        last = "\n".join((error.stderr or error.stdout).strip().splitlines()[-12:])
        raise Fault(f"{' '.join(command[:6])} ended with {error.returncode}:\n{last}") from error
    return done.stdout


def run_module(name: str, *arguments: object, seconds: float, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run one of the bench's modules in a fresh Python and return the JSON that it prints last."""
    command = [sys.executable, "-m", f"mailings.benchmarks.{name}", *map(str, arguments)]
    found: dict[str, Any] = json.loads(run(command, seconds, env).strip().splitlines()[-1])
    return found
