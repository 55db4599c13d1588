"""Compares the rows of a file with its owner's base, and says of each row what loading it would do. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext, pgettext_lazy

from mailings.formats import Record, Table
from mailings.models import Client, Suppression
from mailings.resources import Cleaned, ClientResource, Columns, Fault

CHUNK = 2_000


class Kind(TextChoices):
    """What becomes of a row; each row is of exactly one kind."""

    NEW = "new", pgettext_lazy("row of a file", "new")
    CHANGED = "changed", pgettext_lazy("row of a file", "changed")
    UNCHANGED = "unchanged", pgettext_lazy("row of a file", "unchanged")
    WRONG = "wrong", pgettext_lazy("row of a file", "wrong")
    REPEATED = "repeated", pgettext_lazy("row of a file", "repeated")


GOOD = (Kind.NEW, Kind.CHANGED, Kind.UNCHANGED)


@dataclass
class Row:
    """A row of the file: `old` and `changes` hold values by field, of what would change only."""

    line: int
    kind: Kind
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    client: Client | None = None
    old: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    is_suppressed: bool = False

    @property
    def is_good(self) -> bool:
        return self.kind in GOOD

    @property
    def email(self) -> str:
        return str(self.values["email"])


class Comparison:
    """One walk through a table. `base` is the owner's clients, locked by whoever means to write."""

    def __init__(self, table: Table, resource: ClientResource, base: QuerySet[Client]) -> None:
        self.table = table
        self.resource = resource
        self.base = base
        self.columns: Columns = resource.columns(table.headers)
        self.lines: dict[str, int] = {}

    def __iter__(self) -> Iterator[list[Row]]:
        """Give the rows in chunks, so that a caller may write one before the next is compared.

        :raises BadFile: the file breaks off on the way.
        """
        while chunk := list(islice(self.table.rows, CHUNK)):
            rows = [self.sort(record) for record in chunk]
            self.compare([row for row in rows if row.is_good])
            yield rows

    def sort(self, record: Record) -> Row:
        """Tell wrong and repeated rows from good ones, which are new until the base says otherwise."""
        line, cells = record
        cleaned: Cleaned = self.resource.clean(self.columns, cells)
        if cleaned.faults:
            return Row(line, Kind.WRONG, faults=cleaned.faults)
        email = cleaned.values["email"]
        first = self.lines.setdefault(email, line)
        if first == line:
            return Row(line, Kind.NEW, values=cleaned.values)
        reason = gettext("The same address stands in line %(line)s, which counts.") % {"line": first}
        return Row(line, Kind.REPEATED, faults=[Fault(self.columns.header("email"), email, reason)])

    def compare(self, rows: list[Row]) -> None:
        emails = [row.email for row in rows]
        clients = {client.email: client for client in self.base.filter(email__in=emails).order_by("pk")}
        suppressed = self.suppressed(emails)
        for row in rows:
            row.client = clients.get(row.email)
            row.is_suppressed = row.email in suppressed
            if row.client:
                self.judge(row, row.client)

    def judge(self, row: Row, client: Client) -> None:
        """Find what the row would change in a client there is already."""
        try:
            row.changes = self.resource.changes(client, row.values)
        except ValidationError as error:
            row.kind, row.is_suppressed = Kind.WRONG, False
            row.faults = [Fault(self.columns.header("attributes"), "", " ".join(error.messages))]
            return
        row.kind = Kind.CHANGED if row.changes else Kind.UNCHANGED
        row.old = {name: getattr(client, name) for name in row.changes}

    def suppressed(self, emails: list[str]) -> set[str]:
        owner = self.resource.owner
        bound = Suppression.objects.binding(owner.pk) if owner else Suppression.objects.none()
        return set(bound.filter(address__in=emails).values_list("address", flat=True))
