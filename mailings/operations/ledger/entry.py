"""What goes into the ledger and what comes out of it, as plain values: a window has no time for model instances."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailings.models import Run

# As the databases give it: id, state, address, Message-ID, tries, full name, attributes (JSON text).
Row = tuple[Any, ...]

# Longer than a letter can take on the wire (mailings.sending.account.Policy: 420 s in all), with room to spare.
LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a worker brings: its entries, and how many deliveries (none for 0) with an id above `after` it takes."""

    run: Run
    token: uuid.UUID
    entries: Sequence[Entry]
    after: int
    size: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A recipient in this worker's hand: marked as being sent, durably, before a byte of his letter leaves."""

    id: int
    address: str
    message_id: uuid.UUID
    tries: int
    full_name: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one delivery: its next state and, unless it came back untried, the attempt."""

    id: int
    state: str
    reason: str
    next_try_at: datetime | None
    stage: str
    code: int
    enhanced_code: str
    answer: str
    suppresses: bool

    @property
    def is_attempt(self) -> bool:
        return self.state != "pending"
