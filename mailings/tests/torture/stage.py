"""The stage: a database, a queue, the counting mail server, a clerk and as many workers as a case wants."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from mailings.tests.torture.database import Database
from mailings.tests.torture.invariants import Tally
from mailings.tests.torture.proxy import Proxy
from mailings.tests.torture.sink_link import SinkLink
from mailings.tests.torture.trial import Trial

if TYPE_CHECKING:
    from mailings.tests.torture.services import Services

Worker = subprocess.Popen[str]
ROOT = Path(__file__).resolve().parents[3]
# Long enough for what is broken to come back, and renewed every tenth part of it; see `clerk.FRESH`.
LEASE_SECONDS = 30
# The clerk's longest task: a launch to 100,000.
PATIENCE_SECONDS = 100
SETPRIV = shutil.which("setpriv")
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SENDING_", "EMAIL_", "DEFAULT_", "REPLY_TO", "DEBUG", "DEMO", "CI")


def mortal(command: list[str]) -> list[str]:
    """Let the child end with us even where we are killed outright."""
    return [SETPRIV, "--pdeathsig", "KILL", "--", *command] if SETPRIV else command


def through(url: str, proxy: Proxy) -> str:
    port = urlsplit(url).port
    return url.replace(f":{port}", f":{proxy.port}") if port else url


class Clerk:
    """The line to the clerk's process: each method of `clerk.Clerk` by its name.

    :raises RuntimeError: what went wrong there, with its traceback; or it does not answer, and is killed for that.
    """

    def __init__(self, stage: Stage, **env: str) -> None:
        self.stage = stage
        command = [sys.executable, "-m", "mailings.tests.torture.clerk"]
        self.process = stage.spawn(stage.folder / "clerk.log", command, stage.env | env, piped=True)

    def begin(self, name: str, **arguments: Any) -> None:
        """Ask for something without waiting for it."""
        self.process.stdin.write(json.dumps([name, arguments]) + "\n")
        self.process.stdin.flush()

    def __getattr__(self, name: str) -> Any:
        def ask(**arguments: Any) -> Any:
            self.begin(name, **arguments)
            if not select.select([self.process.stdout], [], [], PATIENCE_SECONDS)[0]:
                self.stage.kill(self.process)
                raise RuntimeError(f"{name}: no answer within {PATIENCE_SECONDS} s")
            found = json.loads(self.process.stdout.readline() or '{"error": "the clerk is gone"}')
            if "error" in found:
                raise RuntimeError(f"{name}: {found['error']}")
            return found["answer"]

        return ask


class Stage:
    """:param server_url: a PostgreSQL server where databases may be made; empty for SQLite.
    :param services: whatever can crash that server and Redis, where they are ours to crash.
    """

    def __init__(
        self, folder: Path, server_url: str = "", redis_url: str = "", services: Services | None = None
    ) -> None:
        self.services = services
        self.folder = folder
        self.server_url = server_url
        self.redis_url = redis_url
        self.database: Database | None = None
        self.tally = Tally()
        self.numbers = itertools.count(1)
        self.processes: list[subprocess.Popen[str]] = []
        self.logs: dict[int, Path] = {}
        self.resident: Worker | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            self.folder.mkdir(exist_ok=True)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def is_postgresql(self) -> bool:
        return bool(self.server_url)

    # --- Beginning and end

    def start(self) -> None:
        self.sink = SinkLink(self.folder)
        self.database = Database(self.folder, self.server_url)
        self.proxies: dict[str, Proxy] = {}
        for name, url in (("DATABASE_URL", self.server_url), ("REDIS_URL", self.redis_url)):
            if url:
                self.proxies[name] = Proxy(urlsplit(url).port or {"D": 5432, "R": 6379}[name[0]])
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.direct = {"DATABASE_URL": self.database.url, "REDIS_URL": self.redis_url}
        # The clerk's database never fails; its queue may, for a launch has to bear it.
        self.env = kept | self.settings() | self.direct | self.doors("REDIS_URL")
        self.flush_queue()
        self.clerk = Clerk(self)
        self.clerk.prepare()

    def settings(self) -> dict[str, str]:
        return {
            "READ_DOT_ENV": "0",
            "SECRET_KEY": secrets.token_urlsafe(60),
            "QUEUE_FILE": str(self.folder / "queue.sqlite3"),
            "UPLOAD_DIR": str(self.folder / "uploads"),
            "SITE_URL": "http://127.0.0.1",
            "ALLOWED_HOSTS": "127.0.0.1",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.sink.port),
            "DEFAULT_FROM_EMAIL": "Shop <office@shop.example>",
            "LANGUAGE_CODE": "en",
            "LOG_LEVEL": "INFO",
            "WORKERS": "2",
            "SENDING_LEASE_SECONDS": str(LEASE_SECONDS),
        }

    def doors(self, *names: str) -> dict[str, str]:
        """Give the addresses of services as seen through their proxies."""
        return {name: through(self.direct[name], self.proxies[name]) for name in names if name in self.proxies}

    def flush_queue(self) -> None:
        """FLUSHDB on our own database of Redis, which is all that our queue can see."""
        if self.redis_url:
            import redis  # noqa: PLC0415  not needed for SQLite

            with contextlib.closing(redis.Redis.from_url(self.redis_url)) as link:
                link.flushdb()

    def stop(self) -> None:
        for process in list(self.processes):
            self.kill(process)
        with contextlib.suppress(AttributeError):
            self.sink.stop()
        for proxy in getattr(self, "proxies", {}).values():
            proxy.stop()
        if self.database:
            self.database.drop()

    # --- Processes

    def spawn(self, log: Path, command: list[str], env: dict[str, str], piped: bool = False) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE if piped else subprocess.DEVNULL
        with log.open("a") as output:
            process = subprocess.Popen(
                mortal(command),
                cwd=ROOT,
                env=env,
                stdin=pipe,
                stdout=pipe if piped else output,
                stderr=output,
                text=True,
            )
        self.processes.append(process)
        return process

    def worker(self, log: Path | None = None, **env: str) -> Worker:
        """Start one more worker, which meets the services directly unless `env` says otherwise."""
        log = log or self.folder / f"worker-{next(self.numbers)}.log"
        worker = self.spawn(log, [sys.executable, "manage.py", "run_huey"], self.env | self.direct | env)
        self.logs[worker.pid] = log
        return worker

    def is_ready(self, worker: Worker) -> bool:
        """Tell whether a worker has begun to look into the queue."""
        return "consumer started" in self.logs[worker.pid].read_text()

    def ensure_worker(self) -> Worker:
        """Return the worker that goes from case to case, behind the doors that can be shut; a new one if it is gone."""
        if self.resident is None or self.resident.poll() is not None:
            self.resident = self.worker(**self.doors("DATABASE_URL", "REDIS_URL"))
        return self.resident

    def dismiss(self) -> None:
        """Kill the worker that goes from case to case: the next one needs a place to itself."""
        if self.resident is not None:
            self.kill(self.resident)

    def clean_up(self) -> None:
        """After a fault that did not end well: what it left behind must not send into the next one."""
        for process in list(self.processes):
            if process is not self.clerk.process:
                self.kill(process)
        if self.clerk.process.poll() is not None:
            self.clerk = Clerk(self)
        self.clerk.abandon()

    def kill(self, process: subprocess.Popen[str], by: int = signal.SIGKILL) -> None:
        if process.poll() is None:
            process.send_signal(by)
        process.wait(timeout=60)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        if process in self.processes:
            self.processes.remove(process)

    # --- Mailings

    def people(self, count: int) -> int:
        return self.clerk.make(count=count, word=f"p{next(self.numbers)}")

    def trial(self, letters: int = 60, people: int = 0, **mailing: Any) -> Trial:
        """Make a mailing to so many new clients (or to a list there is); the mail server is well and counts from 0."""
        self.sink.reset()
        for proxy in self.proxies.values():
            proxy.open()
        return Trial(self, self.clerk.mailing(list_id=people or self.people(letters), **mailing))
