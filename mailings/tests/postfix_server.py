"""A Postfix as Debian packs it, with all of its own: settings, queue, mailboxes, ports, a login and a certificate.

It leaves the machine's own mail system alone. It needs root, for Postfix starts as root and drops its rights.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from email import message_from_binary_file
from email.message import Message
from pathlib import Path
from typing import Self

from mailings.benchmarks.processes import free_port, is_listening, mortal
from mailings.tests.authority import make_certificate

DOMAIN = "shop.example"
USER, PASSWORD = "office", "right-and-long"
PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PACKAGES = {"postfix": "postfix", "saslpasswd2": "sasl2-bin", "openssl": "openssl"}
LOGIN_MODULES = ("libplain.so", "liblogin.so", "libsasldb.so")
# Where Postfix keeps a letter between its 250 and the mailbox, in the order in which it moves on.
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")
NOBODY = 65534

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
disable_dns_lookups = yes
message_size_limit = 1000000
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/conf/mailboxes
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
smtpd_tls_cert_file = {folder}/conf/server.pem
smtpd_tls_received_header = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = {domain}
smtpd_sasl_authenticated_header = yes
smtpd_tls_auth_only = yes
"""
LOGIN_ONLY = "-o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject"
MASTER = """
127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt {login_only}
127.0.0.1:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {login_only}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""
SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb
mech_list: PLAIN LOGIN
"""


def run(command: str, **options: object) -> str:
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False, timeout=60, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def missing() -> str:
    """Say what stands in the way of a Postfix here, or nothing."""
    packages = [package for name, package in PACKAGES.items() if not shutil.which(name, path=PATHS)]
    if any(not list(Path("/usr/lib").glob(f"*/sasl2/{name}")) for name in LOGIN_MODULES):
        packages.append("libsasl2-modules")
    if packages:
        return f"for a real Postfix: apt-get install {' '.join(packages)}"
    return "" if os.geteuid() == 0 else "a Postfix of one's own can be started by root only"


class Postfix:
    """:param folder: its own, in a place where everybody may pass.
    :param names: whose mailboxes there are, each the part before the @.
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self.folder = folder
        self.conf = folder / "conf"
        self.mail = folder / "mail"
        self.log = folder / "mail.log"
        self.plain, self.starttls, self.tls = (free_port() for _ in range(3))
        self.names = list(names)

    @property
    def authority(self) -> Path:
        """The certificate of whoever vouches for the server; the server's own names localhost and nothing else."""
        return self.conf / "authority.pem"

    # --- Beginning and end

    def __enter__(self) -> Self:
        self.write_settings()
        make_certificate(self.conf)
        self.make_login()
        run(f"postfix -c {self.conf} check", env={"PATH": PATHS})
        daemons = run(f"postconf -c {self.conf} -xh daemon_directory", env={"PATH": PATHS}).strip()
        command = mortal([f"{daemons}/master", "-c", str(self.conf), "-s"])
        # In a session of its own: its master ends by a signal to the whole process group.
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        self.wait_until(lambda: all(map(is_listening, (self.plain, self.starttls, self.tls))))
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def write_settings(self) -> None:
        for name in ("conf", "conf/sasl", "data", "mail", "queue"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        os.chown(self.mail, NOBODY, NOBODY)
        words = {"folder": self.folder, "domain": DOMAIN, "nobody": NOBODY, "login_only": LOGIN_ONLY}
        words |= {"plain": self.plain, "starttls": self.starttls, "tls": self.tls}
        for name, text in {"main.cf": MAIN, "master.cf": MASTER, "sasl/smtpd.conf": SASL}.items():
            (self.conf / name).write_text(text.format(**words).lstrip())
        (self.conf / "mailboxes").write_text("".join(f"{name}@{DOMAIN} {name}/\n" for name in self.names))

    def make_login(self) -> None:
        command = f"saslpasswd2 -p -c -f {self.folder}/sasldb -u {DOMAIN} {USER}"
        run(command, input=PASSWORD, env={"PATH": PATHS})
        shutil.chown(self.folder / "sasldb", "postfix")

    # --- What became of letters

    def empty(self) -> None:
        """Throw away what lies in the mailboxes, and forget what was said so far."""
        self.wait_until_delivered()
        for mailbox in self.mail.iterdir():
            shutil.rmtree(mailbox)
        self.log.write_text("")

    def letters(self) -> list[tuple[str, Message]]:
        """Give each letter of the mailboxes with its mailbox's address, as soon as none is on its way any more."""
        self.wait_until_delivered()
        found = []
        for path in self.mail.glob("*/new/*"):
            with path.open("rb") as file:
                found.append((f"{path.parts[-3]}@{DOMAIN}", message_from_binary_file(file)))
        return found

    def wait_until_delivered(self) -> None:
        self.wait_until(lambda: not any(self.queued()))

    def queued(self) -> list[Path]:
        return [path for name in QUEUES for path in (self.folder / "queue" / name).rglob("*") if path.is_file()]

    def wait_until(self, is_so: Callable[[], object], seconds: float = 60) -> None:
        """:raises AssertionError: it is not so within that many seconds; with the last that Postfix said."""
        until = time.monotonic() + seconds
        while not is_so():
            said = self.log.read_text()[-3000:] if self.log.exists() else "nothing"
            assert time.monotonic() < until, f"Postfix said {said}"
            time.sleep(0.05)
