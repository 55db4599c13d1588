"""What becomes of a blocked user's mailings, and of what others share with him."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext

from accounts import journal
from accounts.models import User
from mailings import acts
from mailings.models import Mailing
from mailings.operations.control import switch_off
from mailings.operations.uphold import end_shares_of, shared_with

Pause = Mailing.PauseReason
Status = Mailing.Status


def on_block(user: User, by: User, reason: str, *, switches_off: bool, **_: Any) -> dict[str, int]:
    """Stop his mailings in the transaction that blocks him, and return how many of what."""
    return {
        "paused": 0 if switches_off else pause_mailings_of(user),
        "switched_off": switch_off_mailings_of(user, by, reason) if switches_off else 0,
        "shares": end_shares_of(user),
    }


def on_foresight(user: User, **_: Any) -> list[str]:
    """Say what a block would stop."""
    return [
        gettext("Mailings under way, scheduled or paused: %(n)s.") % {"n": unfinished(user).count()},
        gettext("What others share with him and he loses: %(n)s.") % {"n": shared_with(user)},
    ]


def unfinished(user: User) -> Any:
    return Mailing.objects.owned_by(user).filter(status__in=Mailing.UNFINISHED)


def pause_mailings_of(user: User) -> int:
    """Pause everything of his; it stays paused until somebody resumes it after the block is lifted."""
    count: int = (
        unfinished(user)
        .active()
        .update(status=Status.PAUSED, pause_reason=Pause.OWNER_BLOCKED, pause_detail="", resume_at=None)
    )
    # What paused before would else resume by itself, and for a reason that is no longer the one that counts.
    unfinished(user).update(pause_reason=Pause.OWNER_BLOCKED, resume_at=None)
    return count


def switch_off_mailings_of(user: User, by: User, reason: str) -> int:
    mailings = list(unfinished(user).order_by("pk"))
    for mailing in mailings:
        count = switch_off(mailing.pk, by, reason)
        journal.write(by, mailing, acts.SWITCHED_OFF(n=count, reason=reason))
    return len(mailings)
