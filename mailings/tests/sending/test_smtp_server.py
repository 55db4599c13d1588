"""The scripted server as a process of its own, as the end-to-end tests start it."""

import subprocess
import sys

from mailings.sending.smtp import Account, Policy, Pool, Security
from mailings.tests.sending.letters import letter, outcomes, send


class TestProcess:
    def test_prints_its_port_and_keeps_letters_as_files(self, tmp_path):
        command = [sys.executable, "-m", "mailings.tests.smtp_server", "--port", "0", "--dir", str(tmp_path)]
        mixed = [letter(1), letter(2, "bad@example.com"), letter(3, "later@example.com"), letter(4)]

        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                port = int(process.stdout.readline())
                with Pool(Account("127.0.0.1", port, Security.PLAIN), Policy()) as sending:
                    results = send(sending, mixed)
            finally:
                process.terminate()

        kept = sorted(file.read_bytes() for file in tmp_path.glob("*.eml"))
        assert outcomes(results) == {1: "accepted", 2: "refused", 3: "deferred", 4: "accepted"}
        assert [data.split()[3] for data in kept] == [b"<r1@example.com>", b"<r4@example.com>"]
        assert kept[0].endswith(letter(1).data)
        assert process.returncode == 0
