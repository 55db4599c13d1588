"""The person who logs in: e-mail as the name, never deleted, only blocked."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.line import validate_no_control


def default_time_zone() -> str:
    return str(settings.TIME_ZONE)


def validate_time_zone(name: str) -> None:
    """:raises ValidationError: the zone is not in the IANA database."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone. Write it like Europe/Moscow."), params={"name": name})


class UserQuerySet(models.QuerySet["User"]):
    def invited(self) -> Self:
        """Keep those who still have to set their password."""
        return self.filter(is_active=True, invited_at__isnull=False, password__startswith=UNUSABLE_PASSWORD_PREFIX)


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def invited(self) -> UserQuerySet:
        return self.get_queryset().invited()

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Lower-case the whole address: people do not remember which case they signed up with."""
        return (email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=self.normalize_email(username))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """:raises ValueError: there is no e-mail address."""
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(_("e-mail"), unique=True, error_messages={"unique": _("This address is taken.")})
    full_name = models.CharField(_("full name"), max_length=150, blank=True, validators=[validate_no_control])
    time_zone = models.CharField(
        _("time zone"), max_length=64, default=default_time_zone, validators=[validate_time_zone]
    )
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default=settings.LANGUAGE_CODE)
    is_active = models.BooleanField(_("may log in"), default=True, editable=False)
    blocked_at = models.DateTimeField(_("blocked at"), null=True, blank=True, editable=False)
    blocked_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="+", verbose_name=_("blocked by")
    )
    blocked_reason = models.CharField(_("reason of the block"), max_length=500, blank=True, editable=False)
    # Part of the session's hash: raising it ends every session there is, and none of them ever revives.
    session_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    invited_at = models.DateTimeField(_("invited at"), null=True, blank=True, editable=False)

    # The device whose code was accepted in this session, or None: django-otp sets it on the user of a request.
    otp_device: Any

    # The admin is the only staff interface and has no other visitors.
    is_staff = True

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("email",)
        permissions = (
            ("view_all_user", _("Can view all users")),
            ("block_user", _("Can block and unblock users")),
        )
        constraints = (
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
            models.CheckConstraint(
                condition=Q(is_active=True, blocked_at=None) | Q(is_active=False, blocked_at__isnull=False),
                name="user_is_blocked_or_active",
            ),
        )

    def __str__(self) -> str:
        return self.email

    @property
    def is_invited(self) -> bool:
        """Tell whether he still has to set his password: until then nobody can sign in as him."""
        return self.is_active and self.invited_at is not None and not self.has_usable_password()

    @property
    def invitation_ends_at(self) -> datetime | None:
        return self.invited_at and self.invited_at + settings.INVITATION_LIFETIME

    def end_sessions(self) -> None:
        """End all sessions there are, for good."""
        self.session_version = F("session_version") + 1
        self.save(update_fields=["session_version"])
        self.refresh_from_db(fields=["session_version"])

    def clean(self) -> None:
        super().clean()
        self.email = type(self).objects.normalize_email(self.email)

    def role_names(self) -> str:
        """Name the roles in the reader's language."""
        if self.is_superuser:
            return gettext("Superuser")
        return ", ".join(gettext(group.name) for group in self.groups.all()) or gettext("none")

    def get_full_name(self) -> str:
        return self.full_name or self.email

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's own hook for both the current and the fallback keys, with the session version mixed in."""
        return f"{super()._get_session_auth_hash(secret=secret)}-{self.session_version}"  # type: ignore[misc]  # a private hook the stubs leave out


class JournalEntry(LogEntry):
    """A line of the journal: who did what, when. The admin's own log under our name."""

    class Meta:
        proxy = True
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal")
        permissions = (("view_all_journalentry", _("Can view everybody's journal")),)


class ResetRequestManager(models.Manager["ResetRequest"]):
    @transaction.atomic
    def admit(self, user: User, address: str | None) -> bool:
        """Count one more request, or refuse it: so many in an hour for one login from one address are enough."""
        # Of two at once the second waits here and counts the first.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        since = timezone.now() - timedelta(hours=1)
        if self.filter(user=user, address=address, asked_at__gt=since).count() >= settings.PASSWORD_LETTERS_AN_HOUR:
            return False
        self.create(user=user, address=address)
        return True

    def forget_old(self) -> None:
        self.filter(asked_at__lt=timezone.now() - timedelta(hours=1)).delete()


class ResetRequest(models.Model):
    """A password letter somebody asked for, kept for an hour to count by."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    address = models.GenericIPAddressField(null=True)
    asked_at = models.DateTimeField(default=timezone.now)

    objects = ResetRequestManager()

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("user", "asked_at"), name="reset_request_of_user"),)

    def __str__(self) -> str:
        return f"{self.user_id} at {self.asked_at:%Y-%m-%d %H:%M}"
