"""A message, its recipients, its window and its rhythm."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned, OwnedQuerySet
from accounts.line import validate_no_control
from mailings.models.client import Client
from mailings.models.client_list import ClientList
from mailings.models.message import Message
from mailings.models.rhythm import Rhythm


class MailingQuerySet(OwnedQuerySet):
    def due(self, now: datetime) -> Self:
        """Keep the scheduled ones whose time has come, whose window is open and whose owner may log in."""
        return self.filter(
            status=Mailing.Status.SCHEDULED, next_send_at__lte=now, finish_send_at__gt=now, owner__is_active=True
        )

    def active(self) -> Self:
        """Keep those that send now or will send without anybody's help."""
        return self.filter(status__in=(Mailing.Status.SCHEDULED, Mailing.Status.RUNNING))

    def overdue(self, now: datetime) -> Self:
        """Keep the unfinished ones whose window has ended."""
        return self.filter(status__in=Mailing.UNFINISHED, finish_send_at__lte=now)


class Mailing(Owned):
    """Transitions: created → scheduled → running ⇄ paused → completed; from any unfinished one → switched off.

    Completed is computed: no delivery of its runs is undecided. A mailing with a rhythm goes back to scheduled until
    its window ends. Switched off is final: its owner can only copy it.
    """

    class Status(models.TextChoices):
        CREATED = "created", _("created")
        SCHEDULED = "scheduled", _("scheduled")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        COMPLETED = "completed", _("completed")
        SWITCHED_OFF = "switched_off", _("switched off")

    class PauseReason(models.TextChoices):
        NONE = "", _("—")
        BY_HAND = "by_hand", _("paused by hand")
        LOGIN = "login", _("the mail server refuses our login")
        TLS = "tls", _("no secure connection to the mail server")
        SENDER = "sender", _("the mail server refuses our sender address")
        QUOTA = "quota", _("the mail account's quota is used up")
        CONNECTION = "connection", _("no connection to the mail server")
        REFUSALS = "refusals", _("too many refusals in a row")
        MESSAGE = "message", _("the mail server refuses the message")
        OWNER_BLOCKED = "owner_blocked", _("the owner was blocked")
        NOT_SHARED = "not_shared", _("it uses what is no longer shared with its owner")
        LIST_DELETED = "list_deleted", _("a client list that it used was deleted")

    EDITABLE: ClassVar = (Status.CREATED, Status.SCHEDULED)
    UNFINISHED: ClassVar = (Status.SCHEDULED, Status.RUNNING, Status.PAUSED)

    title = models.CharField(_("title"), max_length=150, validators=[validate_no_control])
    message = models.ForeignKey(Message, models.PROTECT, related_name="mailings", verbose_name=_("message"))
    lists = models.ManyToManyField(ClientList, related_name="mailings", blank=True, verbose_name=_("client lists"))
    clients = models.ManyToManyField(
        Client,
        related_name="mailings",
        blank=True,
        verbose_name=_("single clients"),
        help_text=_("Besides the lists. For many clients make a list."),
    )
    excluded_lists = models.ManyToManyField(
        ClientList,
        related_name="excluding_mailings",
        blank=True,
        verbose_name=_("except the clients of"),
    )
    first_send_at = models.DateTimeField(_("first send at"), help_text=_("Nothing leaves before this time."))
    finish_send_at = models.DateTimeField(_("finish send at"), help_text=_("Nothing leaves after this time."))
    rhythm = models.CharField(_("rhythm"), max_length=8, choices=Rhythm, default=Rhythm.ONCE)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.CREATED, editable=False)
    next_send_at = models.DateTimeField(_("next send at"), null=True, blank=True, editable=False)
    pause_reason = models.CharField(
        _("why paused"), max_length=16, choices=PauseReason, default=PauseReason.NONE, blank=True, editable=False
    )
    pause_detail = models.CharField(_("the mail server's words"), max_length=500, blank=True, editable=False)
    resume_at = models.DateTimeField(_("resumes by itself at"), null=True, blank=True, editable=False)
    switched_off_at = models.DateTimeField(_("switched off at"), null=True, blank=True, editable=False)
    switched_off_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("switched off by"),
    )
    switched_off_reason = models.CharField(_("why switched off"), max_length=500, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    grant_path: ClassVar[str | None] = ""

    objects: ClassVar[Any] = MailingQuerySet.as_manager()

    class Meta:
        verbose_name = _("mailing")
        verbose_name_plural = _("mailings")
        ordering = ("-id",)
        permissions = (
            ("view_all_mailing", _("Can view all mailings")),
            ("switch_off_mailing", _("Can switch off anybody's mailing")),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(finish_send_at__gt=models.F("first_send_at")),
                name="mailing_window_ends_after_it_begins",
                violation_error_message=_("The window must end after it begins."),
            ),
        )
        indexes = (
            models.Index("owner", models.F("id").desc(), name="mailing_owner_newest"),
            models.Index(
                fields=("status", "next_send_at"),
                name="mailing_unfinished",
                condition=Q(status__in=("scheduled", "running", "paused")),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """:raises ValidationError: the window ends before it begins, or has ended already."""
        super().clean()
        if not self.first_send_at or not self.finish_send_at:
            return
        if self.finish_send_at <= self.first_send_at:
            raise ValidationError({"finish_send_at": _("The window must end after it begins.")})
        if self.finish_send_at <= timezone.now():
            raise ValidationError({"finish_send_at": _("This time has passed. Choose a later one.")})

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The zone on whose clock the rhythm is counted."""
        return zoneinfo.ZoneInfo(self.owner.time_zone)

    @property
    def is_editable(self) -> bool:
        return self.status in self.EDITABLE

    def due_after(self, moment: datetime) -> datetime | None:
        """Tell when the rhythm sends next, or None when the window ends before."""
        return Rhythm(self.rhythm).next_after(moment, self.first_send_at, self.finish_send_at, self.zone)

    def due_until(self, moment: datetime) -> datetime:
        """Tell the last time at which the rhythm fell due."""
        return Rhythm(self.rhythm).latest_until(moment, self.first_send_at, self.zone)
