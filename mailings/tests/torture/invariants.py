"""What must hold after every case, whatever was broken in it: the mail server's own count against the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

# A worker that is killed leaves at most so many unknown.
IN_HAND = 50
UNDECIDED = ("pending", "deferred")
FINAL = ("accepted", "refused", "unknown")
SUMS = ("accepted", "refused", "deferred", "unknown", "suppressed", "cancelled")

ONCE = "accepted at most once per Message-ID"
ACCEPTED_IS_TRUE = "state accepted: the server has it"
TAKEN_IS_KNOWN = "the server has it: state accepted or unknown"
LETTERS_ARE_OURS = "every letter of the server is in the ledger"
FEW_UNKNOWN = "unknown within the bound"
SUMS_ADD_UP = "states add up to the total and to the run's sums"
HOURS_ADD_UP = "hourly counters equal the attempts"
ATTEMPTS_MATCH = "one attempt per answer, never more"
NOTHING_STUCK = "nobody is undecided at the end"
COMPLETED = "run and mailing are over"

Ledger = Mapping[str, Any]


class Tally:
    """How often each invariant was looked at and how often it did not hold."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.violated: Counter[str] = Counter()

    def add(self, checked: Mapping[str, int], violations: list[tuple[str, str]]) -> None:
        self.checked.update(checked)
        self.violated.update(name for name, _what in violations)

    def lines(self) -> list[str]:
        return [f"{self.checked[name]:>10} checked {self.violated[name]:>5} violated  {name}" for name in self.checked]


def violations(ledger: Ledger, taken: Mapping[str, int], unknown_at_most: int) -> list[tuple[str, str]]:
    """List what does not hold, each with the invariant's name."""
    return [
        *of_letters(ledger, taken),
        *of_sums(ledger, unknown_at_most),
        *of_attempts(ledger),
        *of_the_end(ledger),
    ]


def checked(ledger: Ledger, taken: Mapping[str, int]) -> dict[str, int]:
    """Count what `violations` looks at."""
    rows, runs = len(ledger["deliveries"]), len(ledger["runs"])
    accepted = sum(state == "accepted" for _mid, state, _tries in ledger["deliveries"].values())
    return {
        ONCE: len(taken),
        ACCEPTED_IS_TRUE: accepted,
        TAKEN_IS_KNOWN: len(taken),
        LETTERS_ARE_OURS: len(taken),
        FEW_UNKNOWN: runs,
        SUMS_ADD_UP: runs,
        HOURS_ADD_UP: runs,
        ATTEMPTS_MATCH: rows,
        NOTHING_STUCK: rows,
        COMPLETED: runs,
    }


def of_letters(ledger: Ledger, taken: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    states = {message_id: state for message_id, state, _tries in ledger["deliveries"].values()}
    for message_id, count in taken.items():
        if count > 1:
            yield ONCE, f"{message_id} {count} times, {states.get(message_id)}"
        if message_id not in states:
            yield LETTERS_ARE_OURS, message_id
        elif states[message_id] not in {"accepted", "unknown"}:
            yield TAKEN_IS_KNOWN, f"{message_id} is {states[message_id]}"
    for message_id, state in states.items():
        if state == "accepted" and message_id not in taken:
            yield ACCEPTED_IS_TRUE, message_id


def of_sums(ledger: Ledger, unknown_at_most: int) -> Iterator[tuple[str, str]]:
    states = Counter(state for _mid, state, _tries in ledger["deliveries"].values())
    if states["unknown"] > unknown_at_most:
        yield FEW_UNKNOWN, f"{states['unknown']} > {unknown_at_most}"
    if len(ledger["runs"]) != 1:
        yield SUMS_ADD_UP, f"{len(ledger['runs'])} runs"
        return
    [run] = ledger["runs"]
    sums = {name: run[name] for name in SUMS}
    counted = {name: states[name] for name in SUMS}
    if sums != counted or run["total"] != states.total():
        yield SUMS_ADD_UP, f"the run says {run}, the states {dict(states)}"


def of_attempts(ledger: Ledger) -> Iterator[tuple[str, str]]:
    made: dict[str, dict[str, int]] = defaultdict(dict)
    total: Counter[str] = Counter()
    for delivery, outcome, count in ledger["attempts"]:
        made[str(delivery)][outcome] = count
        total[outcome] += count
    for pk, (message_id, state, tries) in ledger["deliveries"].items():
        wanted = {state: 1} if state in FINAL else {}
        if deferrals := tries - len(wanted):
            wanted["deferred"] = deferrals
        if made[pk] != wanted:
            yield ATTEMPTS_MATCH, f"{message_id} is {state} after {tries} tries with attempts {made[pk]}"
    hours = {name.removesuffix("__sum"): count for name, count in ledger["hours"].items()}
    if hours != {name: total[name] for name in hours}:
        yield HOURS_ADD_UP, f"the hours say {hours}, the attempts {dict(total)}"


def of_the_end(ledger: Ledger) -> Iterator[tuple[str, str]]:
    for message_id, state, _tries in ledger["deliveries"].values():
        if state in UNDECIDED:
            yield NOTHING_STUCK, f"{message_id} is {state}"
    if not ledger["is_finished"] or ledger["status"] not in {"completed", "switched_off"}:
        yield COMPLETED, f"the mailing is {ledger['status']} {ledger['pause']}, finished: {ledger['is_finished']}"
