"""What goes into the ledger and what comes out of it, as plain values: a window has no time for model instances."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from mailings.models import Claim, Run

# As the databases give it: a recipient's columns, and what becomes of him ("" if he gets his letter).
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a worker brings: its entries, and how many recipients it takes (none for 0) of the claim after its mark."""

    run: Run
    token: uuid.UUID
    entries: Sequence[Entry]
    claim: Claim | None
    size: int
    now: datetime


class Recipient(NamedTuple):
    """A recipient in this worker's hand: up to him the claim is marked, durably, before a byte of his letter leaves."""

    id: int
    address: str
    message_id: str
    tries: int
    full_name: str
    attributes: str


class Entry(NamedTuple):
    """What became of one recipient: the delivery's next state, and the attempt."""

    id: int
    state: str
    reason: str
    next_try_at: datetime | None
    stage: str
    code: int
    enhanced_code: str
    answer: str
    suppresses: bool
