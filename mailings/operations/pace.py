"""Keeping to the mail account's limits, which all workers share and which a restart does not forget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mailings.models import MailAccount
from mailings.sending.pace import Limits, allowance

# Beyond this the worker does not wait for room but leaves the run to the minute's task.
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Room:
    """How many letters may leave now. `account` is None where there are no limits."""

    letters: int
    account: MailAccount | None = None
    is_worth_waiting: bool = True


def room_for(wanted: int, now: datetime) -> Room:
    """Ask how many of `wanted` letters may leave now, and hold the account's row until the transaction ends."""
    limits = Limits.parse(settings.SENDING_LIMITS)
    periods = limits.by_period()
    if not periods:
        return Room(wanted)
    name = f"{settings.EMAIL_HOST_USER}@{settings.EMAIL_HOST}"
    MailAccount.objects.get_or_create(name=name)
    account = MailAccount.objects.select_for_update().get(name=name)
    used = {seconds: account.sent_within(seconds, now) for seconds in periods}
    allowed = allowance(limits, used)
    longest = max((seconds for seconds, limit in periods.items() if used[seconds] >= limit), default=0)
    return Room(min(wanted, allowed or 0), account, longest <= PATIENCE_SECONDS)


def spend(room: Room, letters: int, now: datetime) -> None:
    if room.account and letters:
        room.account.add_sent(letters, now)


def forget_old(now: datetime) -> None:
    for account in MailAccount.objects.all():
        account.forget_old(now)
