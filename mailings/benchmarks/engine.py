"""The sending core alone, in a process of its own: composes and hands over, no database, one thread.

`python -m mailings.benchmarks.engine PORT LETTERS CONNECTIONS` prints the seconds, those of them spent on composing,
the CPU's, and how many letters were accepted.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime

from mailings.benchmarks.letter import SENDER, frame, recipient
from mailings.sending.compose import Frame
from mailings.sending.letter import Letter, Result
from mailings.sending.reply import Outcome
from mailings.sending.smtp import Account, Policy, Pool, Security

# Few enough that the server still has letters to read while the next ones are composed.
AT_ONCE = 20


def compose(made: Frame, numbers: range) -> list[Letter]:
    now = datetime.now().astimezone()
    return [Letter(n, SENDER, to.address, made.fill(to)) for n in numbers for to in (recipient(n, now),)]


def send(port: int, letters: int, connections: int) -> tuple[list[Result], float]:
    """Send so many, and return the results and the seconds spent on composing."""
    account = Account("127.0.0.1", port, Security.PLAIN, helo="post.example.org")
    made = frame()
    results: list[Result] = []
    composing = 0.0
    with Pool(account, Policy(connections=connections)) as pool:
        for first in range(0, letters, AT_ONCE):
            started = time.perf_counter()
            filled = compose(made, range(first, min(first + AT_ONCE, letters)))
            composing += time.perf_counter() - started
            results += pool.exchange(filled, timeout=10)
        results += pool.drain(timeout=30)
    return results, composing


def main(port: str, letters: str, connections: str) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    results, composing = send(int(port), int(letters), int(connections))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    accepted = len({result.key for result in results if result.outcome == Outcome.ACCEPTED})
    print(json.dumps({"seconds": seconds, "compose": composing, "cpu": cpu, "accepted": accepted}))


if __name__ == "__main__":
    main(*sys.argv[1:])
