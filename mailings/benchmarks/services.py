"""PostgreSQL and Redis of this bench only: on free ports, in a temporary folder, with fsync on as in production."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mailings.benchmarks.processes import Fault, free_port, is_listening, run, service, wait_until

PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PACKAGES = {"smtp-sink": "postfix", "smtp-source": "postfix", "redis-server": "redis-server"}
IS_ROOT = os.geteuid() == 0
# A small server's settings; everything else as the package has it, fsync and synchronous_commit on.
POSTGRES_SETTINGS = {"max_connections": "100", "shared_buffers": "512MB", "max_wal_size": "4GB"}


def find_postgres() -> Path | None:
    """Find the newest server's programs; Debian keeps them out of the PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))],
    )
    other = shutil.which("initdb", path=PATHS)
    return found[-1].parent if found else Path(other).parent if other else None


def program(name: str) -> str:
    return shutil.which(name, path=PATHS) or name


def refuse_without_programs() -> None:
    """End with one line that names the packages, where a program is missing."""
    packages = {package for name, package in PACKAGES.items() if not shutil.which(name, path=PATHS)}
    if find_postgres() is None:
        packages.add("postgresql")
    if packages:
        names = " ".join(sorted(packages))
        sys.exit(f"The bench needs programs that are not here: apt-get install --no-install-recommends {names}")


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for everything that the bench leaves behind while it runs; other users may pass through it."""
    folder = Path(tempfile.mkdtemp(prefix="postroom-bench-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def redis_server(scratch: Path) -> Iterator[str]:
    """Run Redis without files and yield its URL."""
    port = free_port()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with service(command, scratch / "redis.log"):
        wait_until(lambda: is_listening(port), 20, "Redis answers")
        yield f"redis://127.0.0.1:{port}/0"


class Postgres:
    """A running cluster. Databases are made as copies of others, which takes a second at most."""

    def __init__(self, bin_folder: Path, port: int, password: str) -> None:
        self.psql = str(bin_folder / "psql")
        self.port = port
        self.password = password
        self.has_statements = (bin_folder.parent / "lib" / "pg_stat_statements.so").exists()

    def url(self, name: str) -> str:
        return f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/{name}"

    def ask(self, sql: str, database: str = "postgres") -> str:
        command = [self.psql, "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        command += ["-U", "postgres", "-d", database, "-c", sql]
        return run(command, 600, os.environ | {"PGPASSWORD": self.password}).strip()

    def copy(self, name: str, template: str) -> None:
        """Copy the files, with a checkpoint before and after: a run does not pay for its data's making."""
        self.drop(name)
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")

    def drop(self, name: str) -> None:
        self.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def postgres_server(scratch: Path) -> Iterator[Postgres]:
    bin_folder = find_postgres()
    assert bin_folder is not None
    user = "postgres" if IS_ROOT else None  # PostgreSQL refuses to run as root
    cluster = Postgres(bin_folder, free_port(), secrets.token_hex(16))
    folder = scratch / "postgres"
    folder.mkdir()
    (folder / "password").write_text(cluster.password)
    if user:
        shutil.chown(folder, user, user)
        shutil.chown(folder / "password", user, user)
    data = folder / "data"
    initdb = [str(bin_folder / "initdb"), "-D", str(data), "-U", "postgres", f"--pwfile={folder / 'password'}"]
    log = scratch / "initdb.log"
    with service([*initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"], log, user) as making:
        if making.wait(timeout=120):
            raise Fault(f"initdb failed: {log.read_text()[-500:]}")
    options = POSTGRES_SETTINGS | {
        "port": str(cluster.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder)
    }  # fmt: skip
    if cluster.has_statements:
        # For the profile, which switches it on for its own database.
        options |= {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "none"}
    flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
    server = [str(bin_folder / "postgres"), "-D", str(data), *flags]
    with service(server, scratch / "postgres.log", user, stop_by=signal.SIGINT):
        wait_until(lambda: is_listening(cluster.port), 60, "PostgreSQL answers")
        wait_until(lambda: answers(cluster), 60, "PostgreSQL answers questions")
        yield cluster


def answers(cluster: Postgres) -> bool:
    try:
        return cluster.ask("SELECT 1") == "1"
    except Fault:
        return False
