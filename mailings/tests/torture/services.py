"""PostgreSQL and Redis of `python -m mailings.tests.torture` alone, which may be killed and come back."""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from mailings.benchmarks.processes import free_port, is_listening, service, wait_until
from mailings.benchmarks.services import IS_ROOT, Postgres, answers, postgres_server, program


class Services:
    """Whatever is started again ends with `undo`, like the first ones."""

    def __init__(self, scratch: Path, undo: contextlib.ExitStack) -> None:
        self.scratch = scratch
        self.undo = undo
        self.postgres: Postgres = undo.enter_context(postgres_server(scratch))
        self.redis_port = free_port()
        self.start_redis()

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/0"

    def start_redis(self) -> None:
        command = [program("redis-server"), "--port", str(self.redis_port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no"]
        self.redis: subprocess.Popen[bytes] = self.undo.enter_context(service(command, self.scratch / "redis.log"))
        wait_until(lambda: is_listening(self.redis_port), 20, "Redis answers")

    def kill_redis(self) -> None:
        self.redis.kill()
        self.redis.wait()

    def crash_postgres(self) -> None:
        """End the server at once (SIGQUIT: no checkpoint, recovery at the next start) and start it again."""
        data = self.scratch / "postgres" / "data"
        pid = int((data / "postmaster.pid").read_text().split()[0])
        command = shlex.split((data / "postmaster.opts").read_text())
        subprocess.run(["kill", f"-{signal.SIGQUIT:d}", str(pid)], check=True)
        wait_until(lambda: not (data / "postmaster.pid").exists(), 30, "PostgreSQL is down")
        log, user = self.scratch / "postgres-again.log", "postgres" if IS_ROOT else None
        self.undo.enter_context(service(command, log, user, stop_by=signal.SIGINT))
        wait_until(lambda: is_listening(self.postgres.port) and answers(self.postgres), 60, "PostgreSQL is back")


@contextlib.contextmanager
def services(scratch: Path) -> Iterator[Services]:
    with contextlib.ExitStack() as undo:
        yield Services(scratch, undo)
