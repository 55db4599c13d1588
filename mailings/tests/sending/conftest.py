"""A certificate made for the tests, and letters to send."""

import os
import shlex
import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

# How long one example takes says more about the machine's other work than about ours.
settings.register_profile("patient", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "patient"))

COMMAND = shlex.split(
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Path:
    """One file with a key and a certificate for localhost and 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificate")
    key, chain, both = folder / "key.pem", folder / "chain.pem", folder / "both.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        [*COMMAND, "-addext", names, "-keyout", str(key), "-out", str(chain)],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + chain.read_bytes())
    return both


@pytest.fixture
def server_tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate) -> ssl.SSLContext:
    """A client's context that knows the test certificate, and verifies it."""
    return ssl.create_default_context(cadata=certificate.read_text().partition("-----END PRIVATE KEY-----")[2])
