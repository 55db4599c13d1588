"""A row of a file that stays out: where it stands, what it holds and why, so that it can be corrected."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from mailings.models.import_job import ImportJob


class RejectedRow(models.Model):
    class Kind(models.TextChoices):
        WRONG = "wrong", pgettext_lazy("row of a file", "wrong")
        REPEATED = "repeated", pgettext_lazy("row of a file", "repeated")

    pk = models.CompositePrimaryKey("job_id", "line")
    job = models.ForeignKey(
        ImportJob, models.CASCADE, related_name="rejections", db_index=False, verbose_name=_("import")
    )
    line = models.PositiveIntegerField(_("line"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    cells = models.JSONField(_("cells"), default=list)
    # [{"column": …, "value": …, "reason": …}, …]
    faults = models.JSONField(_("faults"), default=list)

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"{self.job_id}: {self.line}"
