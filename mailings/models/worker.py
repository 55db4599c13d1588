"""A worker's sign of life: pages and /readyz ask how old the newest one is."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SILENT_AFTER = timedelta(minutes=2)


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self, now: datetime) -> Self:
        return self.filter(seen_at__gt=now - SILENT_AFTER)

    def are_silent(self, now: datetime) -> bool:
        """Tell whether nobody sends at the moment."""
        return not self.alive(now).exists()


class Worker(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    seen_at = models.DateTimeField(_("last seen at"), default=timezone.now)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.name
