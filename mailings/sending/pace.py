"""Says how many letters a mail account may send now; the counting of what was sent is the caller's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

SECOND: Final = 1
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400

_FIELDS: Final = {"s": "per_second", "m": "per_minute", "h": "per_hour", "d": "per_day"}
_ITEM: Final = re.compile(r"([1-9][0-9]{0,8})/([smhd])")


class BadLimits(ValueError):
    """The text is not a list of limits such as ``1/s 30/m 500/h 2000/d``."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Letters per rolling period; ``None`` is no limit."""

    per_second: int | None = None
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read limits as they stand in a setting: ``1/s 30/m 500/h 2000/d``, each at most once, none for no limit.

        :raises BadLimits: naming the piece that is wrong.
        """
        limits: dict[str, int] = {}
        for item in text.replace(",", " ").split():
            match = _ITEM.fullmatch(item)
            if match is None or _FIELDS[match[2]] in limits:
                raise BadLimits(item)
            limits[_FIELDS[match[2]]] = int(match[1])
        return cls(**limits)

    def by_period(self) -> dict[int, int]:
        """Return the limits that are set, by the length of their period in seconds."""
        limits = {SECOND: self.per_second, MINUTE: self.per_minute, HOUR: self.per_hour, DAY: self.per_day}
        return {period: limit for period, limit in limits.items() if limit is not None}

    def seconds_for(self, letters: int) -> int:
        """Return how long so many letters take at least: a period's first share goes at once, each next one waits."""
        shares = ((period, -(-letters // limit)) for period, limit in self.by_period().items())
        return max((period * max(count - 1, 0) for period, count in shares), default=0)


def allowance(limits: Limits, used: Mapping[int, int]) -> int | None:
    """Return how many letters may go now; ``None`` when nothing limits them.

    :param used: letters sent in the rolling period that ends now, by its length in seconds (1, 60, 3600, 86400).
    """
    rooms = [limit - used.get(period, 0) for period, limit in limits.by_period().items()]
    return max(0, min(rooms)) if rooms else None
