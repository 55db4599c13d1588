"""One figure of the table: paired runs, their median and spread, the goal, and how it is kept and printed."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailings.benchmarks.processes import ROOT

FULL, QUICK = ROOT / "var" / "bench.json", ROOT / "var" / "bench-quick.json"
ROW = "{:<32} {:>12} {:>12}  {:<10} {:>8} {:>9}  {:<15} {}"


@dataclass(frozen=True, slots=True)
class Figure:
    """`pairs` holds ours and theirs of the same minutes; the ratio is the median of the pairs' ratios."""

    unit: str
    goal: str
    pairs: Sequence[tuple[float, float]]
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in self.pairs]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def value(self) -> float:
        return statistics.median(ours for ours, _ in self.pairs)

    @property
    def versus(self) -> float:
        return statistics.median(theirs for _, theirs in self.pairs)

    @property
    def is_met(self) -> bool:
        sign, limit = self.goal[0], float(self.goal[1:])
        return self.ratio >= limit if sign == "≥" else self.ratio <= limit

    def kept(self) -> dict[str, Any]:
        return {
            "value": round(self.value, 1),
            "unit": self.unit,
            "versus": round(self.versus, 1),
            "ratio": round(self.ratio, 3),
            "goal": self.goal,
            "spread": [round(min(self.ratios), 3), round(max(self.ratios), 3)],
            "pairs": len(self.pairs),
            "note": self.note,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def row(self, name: str) -> str:
        spread = f"{min(self.ratios):.2f}–{max(self.ratios):.2f} ({len(self.pairs)})"
        met = "met" if self.is_met else "NOT MET"
        figures = f"{self.value:,.0f}", f"{self.versus:,.0f}"
        return ROW.format(name, *figures, self.unit, f"{self.ratio:.2f}", self.goal, spread, f"{met}  {self.note}")


def heading() -> str:
    """Name the columns, and say how busy the machine was before we began: absolute figures hang on it."""
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    return f"{load}\n" + ROW.format("figure", "value", "versus", "unit", "ratio", "goal", "spread (pairs)", "")


def paired(repeat: int, ours: Callable[[], float], theirs: Callable[[], float]) -> list[tuple[float, float]]:
    """Run A B A B …, so that what else the machine does falls on both."""
    return [(ours(), theirs()) for _ in range(repeat)]


def keep(found: dict[str, Any], file: Path) -> None:
    """Write into the file without losing what other runs have written there."""
    file.parent.mkdir(exist_ok=True)
    before = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(before | found, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
