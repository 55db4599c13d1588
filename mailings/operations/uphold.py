"""What keeps sharing true while people come and go, and mailings with what they may use."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q

from accounts.access import Owned, grant_tables
from accounts.models import User
from mailings.models import AWAITED, Level, Mailing
from mailings.operations.control import pause
from mailings.operations.refusal import NotPossible
from mailings.operations.unshared import is_unshared, uses_others

# --- People ----------------------------------------------------------------------------------------------------------


def grant(table: Any, obj: Owned, level: Level, **holder: Any) -> None:
    """Write guardian's rows for a level; a right that is there already stays."""
    model = type(obj)
    names = [f"{action}_{model._meta.model_name}" for action in level.actions(model)]
    permissions = Permission.objects.filter(content_type__app_label=model._meta.app_label, codename__in=names)
    rows = [table(content_object=obj, permission=each, **holder) for each in permissions]
    table.objects.bulk_create(rows, ignore_conflicts=True)


def settle(user: User) -> None:
    """Turn the grants that wait for a person's address into grants to him."""
    for model, awaited in AWAITED.items():
        for row in awaited.objects.filter(address=user.email).select_related("content_object"):
            with transaction.atomic():
                if row.content_object.owner_id != user.pk:
                    grant(grant_tables(model)[0], row.content_object, Level(row.level), user=user)
                row.delete()


def settle_saved(instance: User, update_fields: Any = None, **_: Any) -> None:
    """Do so when somebody comes, gets another address or is unblocked."""
    is_about_him = update_fields is None or {"email", "is_active"} & set(update_fields)
    if is_about_him and instance.is_active:
        settle(instance)


def settle_everybody() -> None:
    """Do so for whoever came in the very moment in which something was shared with him."""
    for awaited in AWAITED.values():
        for user in User.objects.filter(is_active=True, email__in=awaited.objects.values("address")):
            settle(user)


def shared_with(user: User) -> int:
    """Count what is shared with a person himself."""
    return sum(rows.order_by().values("content_object").distinct().count() for rows in grants_to(user))


def end_shares_of(user: User) -> int:
    """Take back everything that is shared with a person himself, and return how much that was."""
    count = shared_with(user)
    for rows in grants_to(user):
        rows.delete()
    return count


def grants_to(user: User) -> list[Any]:
    return [grant_tables(model)[0].objects.filter(user=user) for model in AWAITED]


# --- Mailings --------------------------------------------------------------------------------------------------------


def pause_unshared() -> None:
    """Pause what sends or will send, and uses what is not shared with its owner any more."""
    for mailing in Mailing.objects.active().filter(uses_others()).select_related("owner"):
        if is_unshared(mailing):
            pause_unless_done(mailing.pk, Mailing.PauseReason.NOT_SHARED)


def pause_mailings_of_lists(ids: Collection[int]) -> None:
    """Pause what sends to lists that are about to go, or leaves them out: it would send to others than it says."""
    uses = Q(lists__in=ids) | Q(excluded_lists__in=ids)
    for pk in set(Mailing.objects.active().filter(uses).values_list("pk", flat=True)):
        pause_unless_done(pk, Mailing.PauseReason.LIST_DELETED)


def pause_unless_done(mailing_id: int, reason: str) -> None:
    try:
        pause(mailing_id, reason)
    except NotPossible:
        # It has ended or was paused in this very moment: both are fine.
        return
