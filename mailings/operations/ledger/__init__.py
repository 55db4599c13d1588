"""The ledger's turn, for each database in its own words: write down what became of a window of recipients, and take the
next window in hand. One short transaction; nothing else is done per letter.
"""

from __future__ import annotations

import uuid

from django.db import connection

from mailings.models import Delivery
from mailings.operations.ledger import postgresql, sqlite
from mailings.operations.ledger.entry import LEASE, Claimed, Entry, Turn

__all__ = ["LEASE", "Claimed", "Entry", "Turn", "take"]


def take(turn: Turn) -> tuple[list[Claimed], int]:
    """Take a turn, and return the deliveries claimed with the last id looked at.

    An entry is written only while its delivery is still being sent under the turn's token: a worker whose lease ran
    out changes nothing. Nothing is claimed unless, at this moment, the mailing runs, its window is open and its owner
    may log in; whoever was suppressed or deleted since the launch is decided on the spot.
    """
    if not turn.entries and not turn.size:
        return [], turn.after
    database = sqlite if connection.vendor == "sqlite" else postgresql
    rows = sorted(database.take(turn))
    taken = [
        Claimed(pk, address, uuid.UUID(str(message_id)), tries, full_name, attributes)
        for pk, state, address, message_id, tries, full_name, attributes in rows
        if state == Delivery.State.SENDING
    ]
    return taken, rows[-1][0] if rows else turn.after
