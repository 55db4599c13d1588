"""What the pages of an import tell of it: where it stands, its sums, how it was read, the rows that stay out."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mailings.admin.import_form import DELIMITER_NAMES, FIELD_NAMES
from mailings.formats import ENCODINGS
from mailings.models import ImportJob, RejectedRow, Worker
from mailings.operations.imports.row import Kind
from mailings.resources.columns import ATTRIBUTE

Status = ImportJob.Status
STEPS = (("file", _("File")), ("columns", _("Columns")), ("check", _("Check")), ("load", _("Load")))
STEP_OF = {Status.UPLOADED: "columns", Status.CHECKING: "check", Status.CHECKED: "check"}
# Sums that add up to the rows, with the look of their tiles.
SUMS = (
    ("new", _("New"), "good"),
    ("changed", _("Changed"), "good"),
    ("unchanged", _("Unchanged"), ""),
    ("wrong", _("Wrong"), "bad"),
    ("repeated", _("Repeated in the file"), ""),
)
OUTCOMES = {
    Status.COMPLETED: _("The clients are loaded."),
    Status.STOPPED: _("What was loaded until then is in."),
    Status.FAILED: _("What was loaded until then is in."),
    Status.UNDONE: _("The base is as it was before."),
}
SHOWN_REJECTIONS = 100


def url(page: str, job: ImportJob) -> str:
    return reverse(f"admin:mailings_importjob_{page}", args=[job.pk])


def step_of(job: ImportJob) -> str:
    """Name the step at which an import stands."""
    return STEP_OF.get(Status(job.status), "load")


def steps(current: str, job: ImportJob | None = None) -> list[dict[str, Any]]:
    """List the four steps: which one this is, which are done, and to which of them one can go back."""
    places = [name for name, _label in STEPS]
    links = {"file": reverse("admin:mailings_client_import")}
    if job and job.status in (Status.UPLOADED, Status.CHECKED):
        links["columns"] = url("columns", job)
    return [
        {
            "number": number,
            "label": label,
            "is_current": name == current,
            "is_done": places.index(name) < places.index(current),
            "url": links.get(name, "") if places.index(name) < places.index(current) else "",
        }
        for number, (name, label) in enumerate(STEPS, 1)
    ]


def sums(job: ImportJob) -> list[dict[str, Any]]:
    """List the tiles of an import's sums; together they are its rows."""
    tiles = [{"name": name, "label": label, "value": getattr(job, name), "look": look} for name, label, look in SUMS]
    if job.status in (Status.STOPPED, Status.FAILED) and job.not_loaded:
        tiles.append({"name": "not_loaded", "label": _("Not loaded"), "value": job.not_loaded, "look": ""})
    return tiles


def outcome(job: ImportJob) -> Any:
    """Say in a sentence what came of an import."""
    if job.status == Status.UNDONE and (job.kept or job.left):
        return _("What was not used or changed since is as it was before.")
    return "" if job.status == Status.FAILED and not job.progress else OUTCOMES.get(Status(job.status), "")


def how_read(job: ImportJob) -> str:
    """Say in a sentence how the file is read."""
    if job.sheet:
        return gettext("Sheet “%(sheet)s”") % {"sheet": job.sheet}
    values = {
        "encoding": ENCODINGS.get(job.encoding, job.encoding),
        "delimiter": DELIMITER_NAMES.get(job.delimiter, job.delimiter),
    }
    return gettext("%(encoding)s, separated by a %(delimiter)s") % values if job.encoding else ""


def columns(job: ImportJob) -> list[dict[str, Any]]:
    """Pair each column of the file with the name of what becomes of it."""
    return [{"header": each["header"], "target": target_name(each["target"])} for each in job.mapping]


def target_name(target: str) -> Any:
    if target.startswith(ATTRIBUTE):
        return gettext("Attribute “%(name)s”") % {"name": target.removeprefix(ATTRIBUTE)}
    return FIELD_NAMES.get(target, _("not loaded"))


def preview(job: ImportJob) -> dict[str, Any]:
    """Prepare the first rows: the headers of the columns that are read, as fields come before attributes."""
    read = [each for each in job.mapping if each["target"]]
    read.sort(key=lambda each: each["target"].startswith(ATTRIBUTE))
    rows = [{**row, "label": Kind(row["kind"]).label} for row in job.preview]
    return {"headers": [each["header"] for each in read], "rows": rows}


def rejections(job: ImportJob) -> dict[str, Any]:
    """Give the first rows that stay out, a line for each fault, and the count of all."""
    rows = RejectedRow.objects.filter(job=job).order_by("line")
    return {
        "rejected": [{"line": row.line, **fault} for row in rows[:SHOWN_REJECTIONS] for fault in row.faults],
        "rejected_count": job.wrong + job.repeated,
        "shown_rejections": SHOWN_REJECTIONS,
        "has_rejected_file": rows.exists(),
    }


def progress(job: ImportJob) -> dict[str, Any]:
    """Tell a page that asks every second how far an import is."""
    is_undoing = job.status == Status.UNDOING
    done = job.removed + job.restored + job.left if is_undoing else job.progress
    total = job.undo_rows if is_undoing else job.rows
    return {
        "status": job.status,
        "label": job.get_status_display(),
        "done": done,
        "total": total if job.status != Status.CHECKING else 0,
        "percent": min(100, done * 100 // total) if total and job.status != Status.CHECKING else 0,
        **{name: getattr(job, name) for name, _label, _look in SUMS},
        "suppressed": job.suppressed,
        "removed": job.removed,
        "restored": job.restored,
    }


def is_worker_silent() -> bool:
    return not Worker.objects.alive(timezone.now()).exists()
