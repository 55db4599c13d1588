"""Where each microsecond of a letter goes, from one run on PostgreSQL with timers around the product's functions."""

from __future__ import annotations

from typing import Any

ROW = "{:<30} {:>9} {:>9} {:>9} {:>5} {:>9} {:>9}"


def table(found: dict[str, Any]) -> str:
    """Print µs per letter; what runs in several threads at once adds up to more than the clock says."""
    letters = found["total"]
    clock = found["seconds"] / letters * 1e6
    lines = [ROW.format("µs per letter", "Python", "database", "together", "%", "own CPU", "calls")]
    rest = clock
    for place in (place for place in found["timers"] if place["calls"]):
        python, database, cpu = (place[name] / letters * 1e6 for name in ("python", "database", "cpu"))
        both = python + database
        rest -= both
        figures = f"{python:.1f}", f"{database:.1f}", f"{both:.1f}", f"{both / clock * 100:.0f}", f"{cpu:.1f}"
        lines.append(ROW.format(place["place"], *figures, f"{place['calls']:,}"))
    lines.append(ROW.format("outside all of these", "", "", f"{rest:.1f}", f"{rest / clock * 100:.0f}", "", ""))
    cpu = found["cpu"] / letters * 1e6
    lines.append(ROW.format("the clock", "", "", f"{clock:.1f}", "100", f"{cpu:.1f}", f"{letters:,}"))
    lines += [f"not timed, for it is not there any more: {name}" for name in found["missing"]]
    return "\n".join(lines)
