"""One file of clients taken in: what came of each row, and the rows that were wrong."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.access import Owned
from mailings.models.client_list import ClientList


class ImportJob(Owned):
    """Transitions: checked → running → completed | failed. Checked has written nothing."""

    class Status(models.TextChoices):
        CHECKED = "checked", _("checked, not loaded")
        RUNNING = "running", pgettext_lazy("import", "running")
        COMPLETED = "completed", pgettext_lazy("import", "completed")
        FAILED = "failed", pgettext_lazy("import", "failed")

    file = models.FileField(_("file"), upload_to="imports/%Y/%m/", editable=False)
    file_name = models.CharField(_("file name"), max_length=200)
    mapping = models.JSONField(_("columns"), default=dict, blank=True)
    client_list = models.ForeignKey(
        ClientList, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("put on the list")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.CHECKED)
    progress = models.PositiveIntegerField(_("rows done"), default=0)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    new = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    wrong = models.PositiveIntegerField(_("wrong"), default=0)
    repeated = models.PositiveIntegerField(_("repeated"), default=0)
    suppressed = models.PositiveIntegerField(_("suppressed"), default=0)
    rejected_rows = models.JSONField(_("rejected rows"), default=list, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    grant_path: ClassVar[str | None] = None

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-id",)
        permissions = (("view_all_importjob", _("Can view all imports")),)
        indexes = (models.Index("owner", models.F("id").desc(), name="import_job_owner_newest"),)

    def __str__(self) -> str:
        return self.file_name
