"""A row of a file on its way into the base, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy

from mailings.resources import Fault


class Kind(TextChoices):
    """What becomes of a row; each row is of exactly one kind."""

    NEW = "new", pgettext_lazy("row of a file", "new")
    CHANGED = "changed", pgettext_lazy("row of a file", "changed")
    UNCHANGED = "unchanged", pgettext_lazy("row of a file", "unchanged")
    WRONG = "wrong", pgettext_lazy("row of a file", "wrong")
    REPEATED = "repeated", pgettext_lazy("row of a file", "repeated")


GOOD = (Kind.NEW, Kind.CHANGED, Kind.UNCHANGED)
TOTALS = (*(kind.value for kind in Kind), "suppressed", "rows")


@dataclass(slots=True)
class Row:
    """`client` is what the base holds under the address, `changes` what the row would make different in it."""

    line: int
    cells: list[str]
    kind: Kind = Kind.NEW
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    client: dict[str, Any] | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    likely: str = ""
    is_suppressed: bool = False
    keeps_consent: bool = False

    @property
    def is_good(self) -> bool:
        return self.kind in GOOD

    @property
    def email(self) -> str:
        email: str = self.values["email"]
        return email

    def reject(self, kind: Kind, faults: list[Fault]) -> None:
        self.kind = kind
        self.faults = faults
        self.is_suppressed = False
