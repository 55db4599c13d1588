"""Checks an import: what each row would do, the first of them shown, the rejected ones kept. Touches no client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django.utils.translation import gettext

from mailings.models import ImportJob, RejectedRow
from mailings.models.client import UNSTORABLE
from mailings.operations.imports.compare import Comparison
from mailings.operations.imports.row import Kind, Row
from mailings.operations.imports.seen import Seen
from mailings.operations.imports.turn import Status, Turn
from mailings.resources import ClientResource, Columns, Fault

FIRST_ROWS = 20
DOUBTS = 100
SHOWN = 200  # characters of a cell


def check(turn: Turn, file: Any, on_chunk: Callable[[ImportJob], None]) -> None:
    """Walk through the file once and leave the import *checked*.

    :raises BadFile: nothing of it can be loaded.
    :raises LostTurn: another worker has taken over.
    """
    comparison = Comparison(turn.job, file)
    report = Report(comparison.columns)
    # What a worker that was killed had found is found again.
    RejectedRow.objects.filter(job=turn.job).delete()
    with Seen() as seen:
        for records in comparison.chunks():
            rows = [refuse_repeated(comparison.clean(record), seen, comparison.columns) for record in records]
            comparison.compare([row for row in rows if row.is_good])
            report.add(rows)
            keep_rejected(turn.job, rows)
            turn.advance(progress=report.totals["progress"])
            on_chunk(turn.job)
    turn.end(status=Status.CHECKED, **report.summary)


def refuse_repeated(row: Row, seen: Seen, columns: Columns) -> Row:
    if row.is_good:
        first = seen.first_line(row.email, row.line)
        if first != row.line:
            reason = gettext("The same address stands in line %(line)s, which counts.") % {"line": first}
            row.reject(Kind.REPEATED, [Fault(columns.header("email"), row.email, reason)])
    return row


class Report:
    """What the rows of a file would do, summed up."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.totals: Counter[str] = Counter()
        self.first: list[Row] = []
        self.doubts: list[dict[str, Any]] = []

    def add(self, rows: list[Row]) -> None:
        self.totals.update(count(rows))
        self.first += [row for row in rows if row.is_good][: FIRST_ROWS - len(self.first)]
        doubtful = [row for row in rows if row.likely]
        self.totals["mistyped"] += len(doubtful)
        self.doubts += [self.doubt(row) for row in doubtful[: DOUBTS - len(self.doubts)]]

    @property
    def summary(self) -> dict[str, Any]:
        """Give the values of the import's fields."""
        names = (*COUNTED, "mistyped")
        return {
            **{name: self.totals[name] for name in names},
            "rows": self.totals["progress"],
            "preview": [self.shown(row) for row in self.first],
            "doubts": self.doubts,
        }

    def doubt(self, row: Row) -> dict[str, Any]:
        place = self.columns.places["email"]
        typed = row.cells[place] if place < len(row.cells) else ""
        return {"line": row.line, "value": storable(typed[:SHOWN]), "likely": row.likely}

    def shown(self, row: Row) -> dict[str, Any]:
        """Prepare a row for the page: for each column that is read, what is in the base and what the file says."""
        fields = ClientResource.fields
        old = row.client or {}
        cells = [
            [fields[name].widget.render(old.get(name)), fields[name].widget.render(row.values.get(name))]
            for name in self.columns.places
        ]
        attributes = row.values.get("attributes", {})
        cells += [
            [str(old.get("attributes", {}).get(name, "")), str(attributes.get(name, ""))]
            for name in self.columns.attributes
        ]
        return {
            "line": row.line,
            "kind": row.kind.value,
            "is_suppressed": row.is_suppressed,
            "cells": [[before[:SHOWN], after[:SHOWN]] for before, after in cells],
        }


COUNTED = (*(kind.value for kind in Kind), "suppressed", "kept_consents", "progress")


def count(rows: list[Row]) -> Counter[str]:
    """Sum up rows under the names of the import's fields."""
    totals: Counter[str] = Counter(map(attrgetter("kind"), rows))
    totals["progress"] = len(rows)
    totals["suppressed"] = sum(row.is_suppressed for row in rows)
    totals["kept_consents"] = sum(row.keeps_consent for row in rows)
    return totals


def keep_rejected(job: ImportJob, rows: list[Row]) -> None:
    RejectedRow.objects.bulk_create(
        (
            RejectedRow(
                job=job,
                line=row.line,
                kind=row.kind.value,
                cells=[storable(cell) for cell in row.cells],
                faults=[
                    {"column": fault.column, "value": storable(fault.value), "reason": fault.reason}
                    for fault in row.faults
                ],
            )
            for row in rows
            if not row.is_good
        ),
        batch_size=500,
    )


def storable(text: str) -> str:
    return UNSTORABLE.sub("\ufffd", text)
