"""The whole product as processes, for end-to-end tests: web server, workers, a mail server, a database of their own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg2
from django.conf import settings

PYTHON = sys.executable


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, seconds=60, every=0.2):
    """Call `what` until it returns something true; fail with its last answer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s: {what()!r}")


class System:
    def __init__(self, folder: Path):
        self.folder = folder
        self.processes = []
        self.database = ""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *_error):
        self.stop()

    # --- Starting and stopping

    def start(self):
        self.env = os.environ | {
            "DATABASE_URL": self.make_database(),
            "QUEUE_FILE": str(self.folder / "queue.sqlite3"),
            "UPLOAD_DIR": str(self.folder / "uploads"),
            "SITE_URL": self.url,
            "ALLOWED_HOSTS": "127.0.0.1",
            "EMAIL_HOST": "127.0.0.1",
            "DEFAULT_FROM_EMAIL": "Postroom <office@shop.example>",
            "LANGUAGE_CODE": "en",
            "LOG_LEVEL": "INFO",
        }
        if settings.REDIS_URL:
            # A Redis database of its own, emptied: the queue's name is the same everywhere.
            self.env["REDIS_URL"] = urlsplit(settings.REDIS_URL)._replace(path="/9").geturl()
            self.manage("shell", "-c", "import redis, os; redis.Redis.from_url(os.environ['REDIS_URL']).flushdb()")
        self.letters = self.folder / "letters"
        self.letters.mkdir()
        self.env["EMAIL_PORT"] = self.start_mail_server()
        self.manage("migrate", "--verbosity", "0")
        self.spawn(
            "web", PYTHON, "-m", "gunicorn", "project.wsgi", "--bind", f"127.0.0.1:{self.port}", "--threads", "4",
            "--access-logfile", "-",
        )  # fmt: skip
        wait_for(self.answers)

    def make_database(self):
        if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
            return f"sqlite:///{self.folder / 'system.sqlite3'}"
        self.database = f"e2e_{uuid.uuid4().hex[:12]}"
        self.on_server(f"CREATE DATABASE {self.database}")
        return re.sub(r"/[^/?]*(\?|$)", rf"/{self.database}\1", os.environ["DATABASE_URL"], count=1)

    def on_server(self, statement):
        base = settings.DATABASES["default"]
        link = psycopg2.connect(
            dbname="postgres",
            user=base["USER"],
            password=base["PASSWORD"],
            host=base["HOST"],
            port=base["PORT"] or 5432,
        )
        link.autocommit = True
        with contextlib.closing(link), link.cursor() as cursor:
            cursor.execute(statement)

    def start_mail_server(self):
        log = self.folder / "smtp.log"
        self.spawn("smtp", PYTHON, "-m", "mailings.tests.smtp_server", "--port", "0", "--dir", str(self.letters))
        return wait_for(lambda: log.read_text().split("\n")[0].strip() if "\n" in log.read_text() else "")

    def start_worker(self, name="worker"):
        return self.spawn(name, PYTHON, "manage.py", "run_huey")

    def spawn(self, name, *command):
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes = []
        if self.database:
            self.on_server(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")

    # --- Talking to it

    def answers(self):
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def manage(self, *arguments):
        done = subprocess.run(
            [PYTHON, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def shell(self, code):
        """Run a statement inside the product and return what it prints: for making people and for looking things up."""
        return self.manage("shell", "--no-imports", "-c", code).strip()

    def make_people(self, **roles):
        lines = ["from accounts.tests.factories import make_user"]
        lines += [f"make_user('{name}@staff.example', {role!r})" for name, role in roles.items()]
        self.shell("; ".join(lines))

    def logged(self):
        """Read what the web and the workers have written into their logs."""
        return "".join(path.read_text() for path in self.folder.glob("*.log") if path.stem != "smtp")

    def browser(self, name):
        return Browser(self.url, f"{name}@staff.example")

    def received(self):
        """List the recipients of the letters that the mail server took."""
        found = []
        for path in self.letters.iterdir():
            match = re.search(rb"^To: .*?([^\s<>]+@[^\s<>]+)", path.read_bytes(), re.MULTILINE)
            found.append(match[1].decode() if match else path.name)
        return sorted(found)


class Browser:
    """Somebody at his desk: logs in, fills in forms, follows redirects, as a browser without scripts would."""

    def __init__(self, url, email):
        from accounts.tests.factories import PASSWORD  # noqa: PLC0415  Django has to be ready

        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=30)
        self.home = self.post("/admin/login/?next=/admin/", {"username": email, "password": PASSWORD})

    def get(self, path, **options):
        return self.http.get(path, **options)

    def post(self, path, data, **options):
        page = self.http.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        fields = {"csrfmiddlewaretoken": token[1] if token else "", **data}
        return self.http.post(path, data=fields, headers={"Referer": str(self.http.base_url)}, **options)

    def is_logged_in(self):
        return not self.get("/admin/").url.path.startswith("/admin/login")
