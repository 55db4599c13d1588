"""Letters and pools for the tests of the engine."""

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


def pool(server: Server, connections: int = 1, **policy) -> Pool:
    return Pool(account(server), Policy(connections=connections, **policy))


def send(pool: Pool, letters: list[Letter], timeout: float = 5) -> dict[int, Result]:
    """Send and wait; return the results by key. A letter with two results would be a fault, so it is looked for."""
    results = pool.exchange(letters, timeout) + pool.drain(timeout)
    by_key = {result.key: result for result in results}
    assert len(by_key) == len(results)
    return by_key


def outcomes(results: dict[int, Result]) -> dict[int, str]:
    return {key: str(result.outcome) for key, result in sorted(results.items())}


def reasons(results: dict[int, Result]) -> dict[int, str]:
    return {key: str(result.reason) for key, result in sorted(results.items())}
