"""What an import did to one client: added, changed or put on a list. The ground of undoing it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from mailings.models.import_job import ImportJob


class ImportedRow(models.Model):
    """Written in the transaction of the client's own row, once: no row of a file is loaded twice."""

    pk = models.CompositePrimaryKey("job_id", "client_id")
    job = models.ForeignKey(
        ImportJob, models.CASCADE, related_name="imported_rows", db_index=False, verbose_name=_("import")
    )
    # No foreign key: the record outlives the client, and a million keys to check would cost an import a tenth of its
    # speed. Ids are never given twice.
    client_id = models.BigIntegerField(_("client"))
    is_new = models.BooleanField(_("new"))
    is_listed = models.BooleanField(_("put on the list"))
    # {field: [what it was, what it became]}
    changes = models.JSONField(_("changes"), null=True)

    class Meta:
        verbose_name = _("imported row")
        verbose_name_plural = _("imported rows")
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"{self.job_id}: {self.client_id}"
