"""Says when a deferred letter is tried again; does not count the tries, that is the ledger's work."""

from datetime import datetime, timedelta
from typing import Final

DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 480))
MAX_TRIES: Final = len(DELAYS) + 1
JITTER: Final = 0.2


def next_try(tries: int, now: datetime, until: datetime, chance: float) -> datetime | None:
    """Return the moment of the next try, or ``None`` when there is to be none.

    RFC 5321 4.5.4.1 asks for growing intervals and four to five days of patience; a mailing is stale long before, so
    the eighth try, some sixteen hours on, is the last.

    :param tries: tries made so far, the one just deferred included (1 or more).
    :param until: end of the mailing's window; nothing is planned for that moment or later.
    :param chance: from 0 up to 1; spreads the delay evenly over ±20 %, so that a thousand letters deferred together
        do not come back together.
    """
    if tries >= MAX_TRIES:
        return None
    moment = now + DELAYS[max(tries, 1) - 1] * (1 - JITTER + 2 * JITTER * chance)
    return moment if moment < until else None
