"""A certificate authority for tests, and a server's certificate that it vouches for; made by the openssl command."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
SIGNER = "-CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names"


def make_certificate(folder: Path, names: str = "DNS:localhost") -> None:
    """Make `authority.pem`, and `server.pem` with the key and the certificate of a server of these names."""
    (folder / "names").write_text(f"subjectAltName={names}\n")
    for command in (
        f"req -x509 {KEY} -days 2 -subj /CN=Authority -keyout authority.key -out authority.pem",
        f"req {KEY} -subj /CN=localhost -keyout server.key -out server.csr",
        f"x509 -req -in server.csr {SIGNER} -out server.crt",
    ):
        subprocess.run(["openssl", *shlex.split(command)], cwd=folder, check=True, capture_output=True)
    (folder / "server.pem").write_bytes((folder / "server.key").read_bytes() + (folder / "server.crt").read_bytes())
