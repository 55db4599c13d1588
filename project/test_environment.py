"""A pytest plugin (`-p project.test_environment`): the environment of every test, set before Django reads its settings.

Refuses to look at `.env` and at anything in `var/`. Where CI is set, a skipped test fails the run.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import pytest

FOLDER = tempfile.mkdtemp(prefix="postroom-tests-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

os.environ.update(
    READ_DOT_ENV="0",
    SECRET_KEY="kT4vYq0ZbX9mWn2LrD7sGf5HjP8cUa1oEi6RtB3yQwNxVzKdMu",  # noqa: S106  opens nothing but the tests
    DEBUG="False",
    DEMO="False",
    SITE_URL="http://testserver",
    ALLOWED_HOSTS="testserver,127.0.0.1,localhost",
    # Port 1: a letter that slips past a test's own mail server reaches nobody.
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT="1",
    EMAIL_USE_SSL="False",
    EMAIL_USE_TLS="False",
    DEFAULT_FROM_EMAIL="Postroom <office@example.com>",
    # Tests read English unless they ask for Russian.
    LANGUAGE_CODE="en",
    TIME_ZONE="Europe/Moscow",
    QUEUE_FILE=f"{FOLDER}/queue.sqlite3",
    UPLOAD_DIR=f"{FOLDER}/uploads",
    LOG_LEVEL="WARNING",
)
# `make test` gives these two for its second run.
os.environ.setdefault("DATABASE_URL", f"sqlite:///{FOLDER}/postroom.sqlite3")
os.environ.setdefault("REDIS_URL", "")


@pytest.fixture(autouse=True)
def _empty_queue() -> None:
    """Leave no task of the last test, nor of the last run on the same Redis, where the next one looks."""
    # Reads the settings, so not before the environment above is set.
    from huey.contrib.djhuey import HUEY  # noqa: PLC0415

    if HUEY.pending_count():
        HUEY.flush()


class NothingSkipped:
    """Where everything is installed, a skipped test is one that nobody runs."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        skipped = len(terminalreporter.stats.get("skipped", ()))
        if skipped:
            terminalreporter.write_line(f"CI is set, so {skipped} skipped tests fail the run.", red=True)


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        config.pluginmanager.register(NothingSkipped(), "nothing-skipped")
