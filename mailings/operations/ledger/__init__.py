"""The ledger's turn, for each database in its own words: write down what became of a window of recipients, and take the
next window in hand. One short transaction; nothing else is done per letter.
"""

from __future__ import annotations

from concurrent.futures import Future

from django.db import connection

from mailings.operations.ledger import postgresql, sqlite
from mailings.operations.ledger.entry import Entry, Recipient, Row, Turn

__all__ = ["Entry", "Recipient", "Row", "Turn", "begin", "end"]


def begin(turn: Turn) -> Future[list[Row]]:
    """Begin a turn: the entries are written, the claim's mark moves on, and the recipients it passes are read.

    An entry is written only while the turn's token holds a claim on its delivery: a worker whose lease ran out changes
    nothing. Nobody is passed unless, at this moment, the claim stands, the mailing runs, its window is open and its
    owner may log in; whoever was suppressed or deleted since the launch is decided on the spot. Every turn renews the
    lease.
    """
    return sqlite.begin(turn) if connection.vendor == "sqlite" else postgresql.begin(turn)


def end(turn: Turn, pending: Future[list[Row]]) -> tuple[list[Recipient], bool]:
    """Wait for the turn's end, and return who gets a letter and whether the claim had as many as were asked for.

    :raises DatabaseError: the turn may have been taken or not.
    """
    with connection.wrap_database_errors:
        rows = pending.result()
    if turn.claim and rows:
        turn.claim.mark = rows[-1][0]
    return [Recipient._make(row[:-1]) for row in rows if not row[-1]], len(rows) == turn.size
