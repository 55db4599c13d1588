"""The home page's chart as numbers for a drawing: bars of accepted and failed letters by day, on a round scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.formats import date_format

HEIGHT, DAY_WIDTH, GAP = 100, 10, 2
LABELS = 6
STEPS = (1, 2, 5)


def chart_of(days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Place the bars in a field of `width` × 100, and name the lines of the scale and every so many days."""
    top = round_up(max(row["accepted"] + row["failed"] for row in days))
    every = -(-len(days) // LABELS)
    return {
        "width": len(days) * DAY_WIDTH,
        "bars": [bar(place, row, top) for place, row in enumerate(days)],
        "lines": [{"y": HEIGHT - HEIGHT * part // 4, "value": top * part // 4} for part in (0, 2, 4)],
        "labels": [date_format(row["day"], "d.m") for row in days[::every]],
    }


def bar(place: int, row: dict[str, Any], top: int) -> dict[str, Any]:
    accepted, failed = (round(HEIGHT * row[name] / top, 2) for name in ("accepted", "failed"))
    return {
        "x": place * DAY_WIDTH + GAP / 2,
        "width": DAY_WIDTH - GAP,
        "accepted": accepted,
        "accepted_y": round(HEIGHT - accepted, 2),
        "failed": failed,
        "failed_y": round(HEIGHT - accepted - failed, 2),
        "day": row["day"],
        "numbers": (row["accepted"], row["failed"]),
    }


def round_up(highest: int) -> int:
    """Find the next of 4, 8, 20, 40, 80, 200 …: a scale whose quarters are whole numbers."""
    power = 1
    while True:
        for step in STEPS:
            if 4 * step * power >= highest:
                return 4 * step * power
        power *= 10
