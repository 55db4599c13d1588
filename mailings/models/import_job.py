"""One file of clients taken in: how it is read, what came of its rows, and how far its worker has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.access import Owned, OwnedQuerySet
from mailings.models.client_list import ClientList

# A worker that has not been heard of for so long is gone, and another one goes on in its place.
LEASE = timedelta(minutes=1)


class ImportJobQuerySet(OwnedQuerySet):
    def unattended(self, now: datetime) -> Self:
        """Keep those with work left that no living worker has in hand."""
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.filter(free, status__in=ImportJob.IN_WORK, owner__is_active=True)

    def held(self, token: Any) -> Self:
        """Keep what the worker with this token still has in hand."""
        return self.filter(claim_token=token, status__in=ImportJob.IN_WORK)


class ImportJob(Owned):
    """Transitions, each by a conditional update:

    uploaded → checking → checked → queued → running → completed | stopped | failed; stopped → queued;
    checked → checking again; checking → failed; completed | stopped | failed → undoing → undone.

    Up to *checked* nothing is written but this row and what it says of the file.
    """

    class Status(models.TextChoices):
        UPLOADED = "uploaded", pgettext_lazy("import", "columns to be chosen")
        CHECKING = "checking", pgettext_lazy("import", "being checked")
        CHECKED = "checked", pgettext_lazy("import", "checked, not loaded")
        QUEUED = "queued", pgettext_lazy("import", "waiting for its turn")
        RUNNING = "running", pgettext_lazy("import", "running")
        COMPLETED = "completed", pgettext_lazy("import", "completed")
        STOPPED = "stopped", pgettext_lazy("import", "stopped")
        FAILED = "failed", pgettext_lazy("import", "failed")
        UNDOING = "undoing", pgettext_lazy("import", "being undone")
        UNDONE = "undone", pgettext_lazy("import", "undone")

    class OnExisting(models.TextChoices):
        UPDATE = "update", pgettext_lazy("clients that are there already", "update them")
        SKIP = "skip", pgettext_lazy("clients that are there already", "leave them as they are")

    IN_WORK = (Status.CHECKING, Status.QUEUED, Status.RUNNING, Status.UNDOING)
    WRITING = (Status.RUNNING, Status.UNDOING)
    ENDED = (Status.COMPLETED, Status.STOPPED, Status.FAILED)

    file = models.FileField(_("file"), upload_to="imports/%Y/%m/", editable=False)
    file_name = models.CharField(_("file name"), max_length=200)
    encoding = models.CharField(_("encoding"), max_length=16, blank=True)
    delimiter = models.CharField(_("separator"), max_length=1, blank=True)
    has_header = models.BooleanField(_("column names on the first line"), default=True)
    sheet = models.CharField(_("sheet"), max_length=100, blank=True)
    # [{"header": …, "target": …}, …]: a target is a field, an attribute, or nothing (see mailings.resources.columns).
    mapping = models.JSONField(_("columns"), default=list, blank=True)
    sample = models.JSONField(_("first rows as they stand in the file"), default=list, blank=True)
    on_existing = models.CharField(
        _("clients that are there already"), max_length=6, choices=OnExisting, default=OnExisting.UPDATE
    )
    corrects = models.BooleanField(_("put likely addresses in the place of mistyped ones"), default=False)
    list_name = models.CharField(_("name of the list"), max_length=100, blank=True)
    client_list = models.ForeignKey(
        ClientList, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("put on the list")
    )
    is_list_new = models.BooleanField(_("the list was made for it"), default=False)
    language = models.CharField(_("language"), max_length=10, default="", blank=True)

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.UPLOADED)
    reason = models.CharField(_("why it failed"), max_length=500, blank=True)
    progress = models.PositiveIntegerField(_("rows done"), default=0)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    new = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    wrong = models.PositiveIntegerField(_("wrong"), default=0)
    repeated = models.PositiveIntegerField(_("repeated"), default=0)
    suppressed = models.PositiveIntegerField(_("suppressed"), default=0)
    kept_consents = models.PositiveIntegerField(_("newer consents kept"), default=0)
    mistyped = models.PositiveIntegerField(_("addresses that look mistyped"), default=0)
    # What the check shows: the first rows old → new, and the first of the addresses that look mistyped.
    preview = models.JSONField(_("first rows"), default=list, blank=True)
    doubts = models.JSONField(_("addresses that look mistyped, the first"), default=list, blank=True)

    undo_rows = models.PositiveIntegerField(_("rows to undo"), default=0)
    removed = models.PositiveIntegerField(_("removed again"), default=0)
    restored = models.PositiveIntegerField(_("restored"), default=0)
    left = models.PositiveIntegerField(_("changed again since and left so"), default=0)
    kept = models.PositiveIntegerField(_("kept, for a run has mailed them"), default=0)

    claim_token = models.UUIDField(_("claim token"), null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    grant_path: ClassVar[str | None] = None

    objects: ClassVar[Any] = ImportJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-id",)
        permissions = (("view_all_importjob", _("Can view all imports")),)
        constraints = (
            models.UniqueConstraint(
                fields=("owner",),
                condition=Q(status__in=("running", "undoing")),
                name="one_import_of_an_owner_writes",
            ),
        )
        indexes = (
            models.Index("owner", models.F("id").desc(), name="import_job_owner_newest"),
            models.Index(
                fields=("status",),
                condition=Q(status__in=("checking", "queued", "running", "undoing")),
                name="import_job_in_work",
            ),
        )

    def __str__(self) -> str:
        return self.file_name

    @property
    def good(self) -> int:
        return self.new + self.changed + self.unchanged

    @property
    def to_load(self) -> int:
        """How many rows loading would do something with."""
        return self.good if self.list_name else self.new + self.changed

    @property
    def not_loaded(self) -> int:
        """How many rows an import that was stopped never came to."""
        return self.rows - self.progress

    @property
    def can_be_undone_until(self) -> datetime:
        return self.created_at + timedelta(days=settings.IMPORT_KEEP_DAYS)
