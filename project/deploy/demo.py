"""`make demo`: prepares the database, then runs web, worker and mail catcher until Ctrl-C.

Listens on this machine only. Refuses to touch a database whose `.env` does not call itself a demo.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "postroom-demo-2026"  # noqa: S105  the demo's, printed below for everybody
LOGINS = (
    ("admin@example.com", "superuser"),
    ("manager@example.com", "Manager"),
    ("anna@example.com", "User"),
    ("boris@example.com", "User"),
)
# honcho kills after five seconds; a worker may need longer to put down the letters in its hand.
SECONDS_TO_STOP = 40


def main() -> None:
    port, mail_port = (port_number(text) for text in sys.argv[1:3])
    if port == mail_port:
        sys.exit(f"PORT and MAIL_PORT are both {port}: give two different ones.")
    refuse_other_than_demo()
    for name, number in (("PORT", port), ("MAIL_PORT", mail_port)):
        refuse_busy(name, number)
    os.chdir(ROOT)
    os.environ.update(settings_of(port, mail_port))
    prepare()
    print(welcome(port), flush=True)
    run(port)


def port_number(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    sys.exit(f"“{text}” is not a port: give a number from 1 to 65535.")


def refuse_other_than_demo() -> None:
    """Stop where `.env` is that of a real installation, whose database demo data has no business in."""
    path = ROOT / ".env"
    found = re.findall(r"^(?:export )?DEMO=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    value = os.environ.get("DEMO") or (found[-1] if found else "")
    if value.strip("'\" ").lower() not in ("true", "1", "on", "yes", "y", "ok"):
        sys.exit(
            f"{path} has no DEMO=True, so its database is left alone. Move that file away and call `make demo` again."
        )


def refuse_busy(name: str, port: int) -> None:
    with socket.socket() as probe:
        # As gunicorn does: a connection of the last run that still lingers is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError as error:
            sys.exit(
                f"Port {port} cannot be used ({error.strerror}): choose another, e.g. `make demo {name}={port + 10}`."
            )


def settings_of(port: int, mail_port: int) -> dict[str, str]:
    """Return what wins over `.env`: the ports asked for, and a mail server that passes nothing on."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "DEMO": "True",
        "SITE_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "CSRF_TRUSTED_ORIGINS": f"http://127.0.0.1:{port},http://localhost:{port}",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mail_port),
        "EMAIL_USE_SSL": "False",
        "EMAIL_USE_TLS": "False",
        "EMAIL_HOST_USER": "",
        "EMAIL_HOST_PASSWORD": "",
    }


def prepare() -> None:
    steps = (
        ["migrate", "--verbosity", "0"],
        ["collectstatic", "--no-input", "--verbosity", "0"],
        ["add_test_data"],
    )
    for step in steps:
        print(f"  {step[0]} …", flush=True)
        if subprocess.run([sys.executable, "manage.py", *step], check=False).returncode:  # noqa: S603  our own command
            sys.exit(f"The demo stops here: `manage.py {step[0]}` failed.")


def welcome(port: int) -> str:
    lines = [
        "Postroom is on  " + f"http://127.0.0.1:{port}/",
        "",
        *(f"{email:<22}{role}" for email, role in LOGINS),
        f"password of all four: {PASSWORD}",
        "",
        "Letters land in var/mailbox/; none leaves this machine.",
        "Ctrl-C stops everything.",
    ]
    width = max(map(len, lines))
    edge = "─" * (width + 2)
    body = "\n".join(f"│ {line:<{width}} │" for line in lines)
    return f"\n┌{edge}┐\n{body}\n└{edge}┘\n"


def run(port: int) -> None:
    """Hand over to honcho, which stops all when one ends or when it is told to stop itself."""
    from honcho import command, manager, printer  # noqa: PLC0415  after the checks that need no package

    class LastingPrinter(printer.Printer):  # type: ignore[misc]  # honcho ships no types
        def write(self, message: Any) -> None:
            try:
                super().write(message)
            except OSError:
                hang_up()

    manager.KILL_WAIT = SECONDS_TO_STOP
    command.Printer = LastingPrinter
    signal.signal(signal.SIGHUP, hang_up)
    # Not honcho's own reading of .env: it would win over the ports given on the command line.
    command.main(["start", "-f", "project/deploy/Procfile.demo", "-e", os.devnull, "-p", str(port)])


def hang_up(*_: object) -> None:
    """Stop with the terminal that was closed: writing to it would end honcho before it could stop its children."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
