"""A worker's hold on an import: one worker at a time, and a worker that lost its hold writes nothing more."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.utils import timezone, translation

from mailings.models import ImportJob
from mailings.models.import_job import LEASE

Status = ImportJob.Status


class LostTurn(Exception):
    """The import was stopped, or another worker has taken it over."""


class Turn:
    def __init__(self, job: ImportJob, token: uuid.UUID) -> None:
        self.job = job
        self.token = token

    def advance(self, **changes: Any) -> None:
        """Write into the import's row and renew the lease, together with whatever the caller's transaction wrote.

        :raises LostTurn: it is no longer ours; the transaction must not be committed.
        """
        held = ImportJob.objects.filter(pk=self.job.pk).held(self.token)
        if not held.update(lease_until=timezone.now() + LEASE, **changes):
            raise LostTurn
        for name, value in changes.items():
            setattr(self.job, name, value)

    def end(self, **changes: Any) -> None:
        """Write into the import's row for the last time and let go of it.

        :raises LostTurn: it is no longer ours.
        """
        held = ImportJob.objects.filter(pk=self.job.pk).held(self.token)
        if not held.update(claim_token=None, lease_until=None, **changes):
            raise LostTurn
        for name, value in changes.items():
            setattr(self.job, name, value)


def take(job_id: int) -> Turn | None:
    """Take an import in hand, if it has work left, nobody else has it, and its owner has no other one that writes."""
    token, now = uuid.uuid4(), timezone.now()
    earlier = ImportJob.objects.filter(owner=OuterRef("owner"), status=Status.QUEUED, pk__lt=OuterRef("pk"))
    in_turn = ~Q(status=Status.QUEUED) | ~Exists(earlier)
    try:
        with transaction.atomic():
            taken = (
                ImportJob.objects.filter(in_turn, pk=job_id)
                .unattended(now)
                .update(
                    claim_token=token,
                    lease_until=now + LEASE,
                    status=Case(When(status=Status.QUEUED, then=Value(Status.RUNNING)), default=F("status")),
                )
            )
    except IntegrityError:
        # The constraint: another import of this owner writes. Whoever ends that one wakes this one.
        return None
    return Turn(ImportJob.objects.select_related("owner", "client_list").get(pk=job_id), token) if taken else None


@contextmanager
def as_owner(job: ImportJob) -> Iterator[None]:
    """Read dates in the owner's time zone, and write sentences in the language that he read the pages in."""
    with timezone.override(ZoneInfo(job.owner.time_zone)), translation.override(job.language or job.owner.language):
        yield
