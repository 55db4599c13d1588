"""Blocking an account: ends its sessions at once and for good, and tells the rest of the house."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import MANAGER
from accounts.signals import user_blocked

if TYPE_CHECKING:
    from datetime import datetime


class CannotBlock(Exception):
    """A fact that stands in the way; `str()` is the sentence for the person."""

    def __init__(self, sentence: Promise) -> None:
        super().__init__(sentence)

    def __str__(self) -> str:
        return str(self.args[0])


def refuse_to_block(user: User, by: User) -> None:
    """:raises CannotBlock: himself, a superuser or another Manager (unless a superuser asks), or blocked already."""
    if user == by:
        raise CannotBlock(_("Nobody can block himself."))
    if user.is_superuser:
        raise CannotBlock(_("A superuser cannot be blocked. Take the superuser status away first."))
    if not by.is_superuser and user.groups.filter(name=MANAGER).exists():
        raise CannotBlock(_("Only a superuser can block a Manager."))
    if not user.is_active:
        raise CannotBlock(_("The user is blocked already."))


@transaction.atomic
def block(user_id: int, by: User, reason: str) -> None:
    """Block a user; his mailings pause in the same transaction.

    :raises CannotBlock: see `refuse_to_block`.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    refuse_to_block(user, by)
    set_blocked(user, at=timezone.now(), by=by, reason=reason)
    user_blocked.send(sender=User, user=user)


@transaction.atomic
def unblock(user_id: int, by: User) -> None:
    """Let a user log in again. His old sessions stay ended, his mailings stay paused.

    :raises CannotBlock: he is not blocked, or it is himself.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if user.is_active:
        raise CannotBlock(_("The user is not blocked."))
    if not by.is_superuser and user.groups.filter(name=MANAGER).exists():
        raise CannotBlock(_("Only a superuser can unblock a Manager."))
    set_blocked(user, at=None, by=None, reason="")


def set_blocked(user: User, at: datetime | None, by: User | None, reason: str) -> None:
    user.is_active, user.blocked_at = at is None, at
    user.blocked_by, user.blocked_reason = by, reason[:500]
    user.session_version = F("session_version") + 1
    user.save(update_fields=["is_active", "blocked_at", "blocked_by", "blocked_reason", "session_version"])
    user.refresh_from_db(fields=["session_version"])
