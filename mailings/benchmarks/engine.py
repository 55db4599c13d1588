"""The sending core alone, in a process of its own: composes and hands over, no database, one thread.

`python -m mailings.benchmarks.engine PORT LETTERS CONNECTIONS` prints the seconds and how many were accepted.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime

from mailings.benchmarks.letter import SENDER, address, frame, recipient
from mailings.sending.letter import Letter, Result
from mailings.sending.reply import Outcome
from mailings.sending.smtp import Account, Policy, Pool, Security

AT_ONCE = 50


def send(port: int, letters: int, connections: int) -> list[Result]:
    account = Account("127.0.0.1", port, Security.PLAIN, helo="post.example.org")
    made = frame()
    results: list[Result] = []
    with Pool(account, Policy(connections=connections)) as pool:
        for first in range(0, letters, AT_ONCE):
            now = datetime.now().astimezone()
            numbers = range(first, min(first + AT_ONCE, letters))
            filled = [Letter(n, SENDER, address(n), made.fill(recipient(n, now))) for n in numbers]
            results += pool.exchange(filled, timeout=10)
        results += pool.drain(timeout=30)
    return results


def main(port: str, letters: str, connections: str) -> None:
    started = time.perf_counter()
    results = send(int(port), int(letters), int(connections))
    seconds = time.perf_counter() - started
    accepted = {result.key for result in results if result.outcome == Outcome.ACCEPTED}
    print(json.dumps({"seconds": seconds, "accepted": len(accepted)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
