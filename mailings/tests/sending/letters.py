"""Letters and pools for the tests of the engine."""

import time
from collections.abc import Callable

from mailings.sending.smtp import Account, Letter, Policy, Pool, Result, Security
from mailings.tests.smtp_server import Server

SENDER = "office@example.com"


def letter(key: int, recipient: str = "", body: bytes = b"Hello\r\n") -> Letter:
    to = recipient or f"r{key}@example.com"
    data = b"Message-ID: <m%d@example.com>\r\nTo: %s\r\n\r\n%s" % (key, to.encode(), body)
    return Letter(key, SENDER, to, data)


def letters(count: int) -> list[Letter]:
    return [letter(key) for key in range(1, count + 1)]


def account(server: Server, **changes) -> Account:
    given = {"host": "127.0.0.1", "port": server.port, "security": Security.PLAIN, "helo": "client.example.com"}
    return Account(**(given | changes))


def pool(server: Server, connections: int = 1, clock: Callable[[], float] = time.monotonic, **policy) -> Pool:
    return Pool(account(server), Policy(connections=connections, **policy), clock)


class Clock:
    """A clock that can be put ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def drive_until(is_so: Callable[[], bool], pool: Pool) -> None:
    """Let the pool work until something is so; what it returns meanwhile would be a fault."""
    for _ in range(1000):
        if is_so():
            return
        assert pool.exchange([], 0.02) == []
    raise TimeoutError


def by_key(results: list[Result]) -> dict[int, Result]:
    """Return the results by key. A letter with two results would be a fault, so it is looked for."""
    found = {result.key: result for result in results}
    assert len(found) == len(results)
    return found


def send(pool: Pool, letters: list[Letter], timeout: float = 30) -> dict[int, Result]:
    """Send, wait, and return the results by key."""
    return by_key(pool.exchange(letters, timeout) + pool.drain(timeout))


def outcomes(results: dict[int, Result]) -> dict[int, str]:
    return {key: str(result.outcome) for key, result in sorted(results.items())}


def reasons(results: dict[int, Result]) -> dict[int, str]:
    return {key: str(result.reason) for key, result in sorted(results.items())}
