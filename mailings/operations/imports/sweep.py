"""Deletes what an import leaves behind once it is too old to be undone: its file, and the record of its rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from mailings.models import ImportedRow, ImportJob, RejectedRow
from mailings.operations.imports.turn import Status

# Deleted together: long deletions would keep a small database's only lock.
BATCH = 5_000


def sweep(now: datetime) -> int:
    """Sweep up after old imports and tell how many there were. Those never loaded are forgotten altogether."""
    old = ImportJob.objects.filter(created_at__lt=now - timedelta(days=settings.IMPORT_KEEP_DAYS))
    swept = 0
    for job in old.exclude(file="").exclude(status__in=ImportJob.IN_WORK):
        forget_rows(job, ImportedRow, "client_id")
        forget_rows(job, RejectedRow, "line")
        job.file.delete(save=False)
        job.sample, job.preview, job.doubts = [], [], []
        if job.status in (Status.UPLOADED, Status.CHECKED):
            job.delete()
        else:
            job.save(update_fields=["file", "sample", "preview", "doubts"])
        swept += 1
    return swept


def forget_rows(job: ImportJob, model: Any, name: str) -> None:
    rows = model.objects.filter(job=job)
    while keys := list(rows.values_list(name, flat=True)[:BATCH]):
        rows.filter(**{f"{name}__in": keys}).delete()
