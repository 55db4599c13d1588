"""Blocking an account: ends its sessions at once and for good, and tells the rest of the house."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import acts
from accounts.models import User
from accounts.roles import MANAGER
from accounts.signals import block_foreseen, user_blocked

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.journal import Line


# What a signal's receivers return, each with its receiver.
Answers = Any


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


def consequences(user: User) -> list[str]:
    """Say what a block would do to what he has under way."""
    answers: Answers = block_foreseen.send(sender=User, user=user)
    return [sentence for _receiver, sentences in answers for sentence in sentences]


@transaction.atomic
def block(user_id: int, by: User, reason: str, *, switches_off: bool = False) -> Line:
    """Block a user; in the same transaction his mailings pause, or are switched off for good, and shares with him end.

    :return: the line for the journal, with the numbers.
    :raises CannotBlock: see `refuse_to_block`.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    refuse_to_block(user, by)
    set_blocked(user, at=timezone.now(), by=by, reason=reason)
    answers: Answers = user_blocked.send(sender=User, user=user, by=by, reason=reason, switches_off=switches_off)
    return acts.BLOCKED(
        reason=reason, **{name: count for _receiver, counts in answers for name, count in counts.items()}
    )


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
