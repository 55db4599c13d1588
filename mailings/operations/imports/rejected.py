"""The rows of an import that stay out, as a file that can be corrected and loaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from django.utils.translation import gettext

from mailings.formats.apostrophe import cover
from mailings.models import ImportJob, RejectedRow

BATCH = 2_000


def rejected_lines(job: ImportJob) -> Iterator[str]:
    """Write them as CSV for Excel: the columns of the file, and the reason."""
    width = len(job.mapping)
    yield "\ufeff" + as_line([*(each["header"] for each in job.mapping), gettext("Reason")])
    for row in RejectedRow.objects.filter(job=job).order_by("line").iterator(chunk_size=BATCH):
        cells = [*row.cells, *[""] * (width - len(row.cells))]
        reason = " ".join(fault["reason"] for fault in row.faults)
        yield as_line([*cells[:width], reason, *cells[width:]])


def as_line(cells: list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerow([cover(cell) for cell in cells])
    return out.getvalue()
