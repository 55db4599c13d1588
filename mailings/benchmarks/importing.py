"""Takes a list of clients in: our way, or by django-import-export with nothing but its defaults.

`python -m mailings.benchmarks.importing ours|again|theirs ROWS csv|xlsx`, with the environment of the product and a
migrated database. Each side reads the file twice, as a person makes it do: to look at what would happen, and to do it.
`again` loads a second file afterwards in which one column of every row is another.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import openpyxl

from mailings.benchmarks.worker import peak_memory

FOREVER = float("inf")
HEADERS = ("email", "full_name", "comment", "consent_at", "attributes")
SUMS = ("new", "changed")


def table(rows: int, mark: str) -> Iterator[tuple[str, ...]]:
    for n in range(rows):
        day = f"2025-{n % 12 + 1:02}-{n % 28 + 1:02} 00:00:00"
        attributes = '{"city": "Казань"}'
        yield f"client{n}@domain{n % 1000}.example", f"Клиент Номер{n}{mark}", f"заметка {n % 100}", day, attributes


def write(path: Path, rows: int, mark: str = "") -> None:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        for row in (HEADERS, *table(rows, mark)):
            sheet.append(row)
        book.save(path)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        writer.writerows(table(rows, mark))


def take_in(path: Path, owner: Any) -> dict[str, Any]:
    """Check and load a file as a worker does, and tell the seconds of both."""
    from mailings.operations import imports  # noqa: PLC0415  Django has to be ready

    started = time.perf_counter()
    with path.open("rb") as file:
        job = imports.receive(file, path.name, owner)
    imports.choose(job, [each["target"] for each in job.mapping])
    imports.work(job.pk, FOREVER)
    checked = time.perf_counter()
    job.refresh_from_db()
    imports.queue(job)
    imports.work(job.pk, FOREVER)
    ended = time.perf_counter()
    job.refresh_from_db()
    sums = {name: getattr(job, name) for name in SUMS}
    return {"seconds": ended - started, "loading": ended - checked, "status": job.status, **sums}


def take_in_by_default(path: Path, owner: Any) -> dict[str, Any]:
    """Do the same with the library: its dry run for the page that asks, its import for the yes."""
    from import_export.formats.base_formats import CSV  # noqa: PLC0415  Django has to be ready
    from import_export.resources import ModelResource  # noqa: PLC0415

    from mailings.models import Client  # noqa: PLC0415

    class Defaults(ModelResource):  # type: ignore[misc]  # import-export ships no types
        class Meta:
            model = Client
            fields = HEADERS
            import_id_fields = ("email",)

        def init_instance(self, row: Any = None) -> Client:
            return Client(owner=owner)

    started = time.perf_counter()
    dataset = CSV(encoding="utf-8").create_dataset(path.read_text(encoding="utf-8"))
    Defaults().import_data(dataset, dry_run=True)
    checked = time.perf_counter()
    result = Defaults().import_data(dataset, dry_run=False)
    ended = time.perf_counter()
    sums = {"new": result.totals["new"], "changed": result.totals["update"]}
    status = "failed" if result.has_errors() else "completed"
    return {"seconds": ended - started, "loading": ended - checked, "status": status, **sums}


def main(way: str, rows: int, kind: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from accounts.models import User  # noqa: PLC0415  Django has to be ready

    owner = User.objects.create_user("owner@post.example.org", language="ru")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clients.{kind}"
        write(path, rows)
        found = take_in_by_default(path, owner) if way == "theirs" else take_in(path, owner)
        if way == "again":
            write(path, rows, "a")
            found = {"first": found, **take_in(path, owner)}
    print(json.dumps(found | {"peak_memory": peak_memory()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
