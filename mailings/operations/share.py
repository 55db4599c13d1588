"""Sharing a message, a client list or a mailing: granting, taking back, and what follows from either.

guardian's tables hold the grants. An address at which nobody may log in so far is kept beside them, and looks the same
on every page: sharing tells nobody who works here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned, grant_tables
from accounts.models import User
from accounts.roles import MANAGER
from mailings.models import AWAITED, Level
from mailings.operations.refusal import NotPossible
from mailings.operations.uphold import grant, pause_unshared

SHARES_LIMIT = 100


class IsTheOwner(NotPossible):
    sentence = _("It belongs to this person already.")


class SeesAllAnyway(NotPossible):
    sentence = _("Managers see everything anyway and use or change nothing of others: there is nothing to share.")


class TooManyShares(NotPossible):
    sentence = _("It is shared with a hundred addresses and groups already. Make a group of them.")


@dataclass(frozen=True, slots=True)
class Share:
    """Who has what of one object: an address (whether somebody works there or not) or a group."""

    name: str
    level: Level
    group_id: int | None = None


def shares_of(obj: Owned) -> list[Share]:
    """List the shares of an object in the order of their names, groups first."""
    actions: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for group_id, name, codename in group_rows(obj).values_list("group", "group__name", "permission__codename"):
        actions[name, group_id].add(codename.partition("_")[0])
    for email, codename in user_rows(obj).values_list("user__email", "permission__codename"):
        actions[email, None].add(codename.partition("_")[0])
    for address, level in awaited(obj).values_list("address", "level"):
        actions[address, None].add(level)
    found = [Share(name, Level.among(granted) or Level.VIEW, group) for (name, group), granted in actions.items()]
    return sorted(found, key=lambda share: (share.group_id is None, share.name))


def share_with_address(obj: Owned, address: str, level: Level) -> None:
    """Grant to whoever has this address, now or one day; what he had before is replaced.

    :raises NotPossible: it is the owner's address, or it is shared with too many.
    """
    if address == obj.owner.email:
        raise IsTheOwner
    with transaction.atomic():
        hold(obj)
        drop(obj, address)
        refuse_too_many(obj)
        user = User.objects.filter(email=address, is_active=True).first()
        if user:
            grant(grant_tables(obj)[0], obj, level, user=user)
        else:
            awaited(obj).create(content_object=obj, address=address, level=level)
    pause_unshared()


def share_with_group(obj: Owned, group: Group, level: Level) -> None:
    """Grant to all people of a group, those who join it later too; what it had before is replaced.

    :raises NotPossible: it is the role that sees all, or it is shared with too many.
    """
    if group.name == MANAGER:
        raise SeesAllAnyway
    with transaction.atomic():
        hold(obj)
        group_rows(obj).filter(group=group).delete()
        refuse_too_many(obj)
        grant(grant_tables(obj)[1], obj, level, group=group)
    pause_unshared()


def withdraw_from_address(obj: Owned, address: str) -> None:
    """Take back what an address has. Mailings that used it pause at once."""
    with transaction.atomic():
        hold(obj)
        drop(obj, address)
    pause_unshared()


def withdraw_from_group(obj: Owned, group_id: int) -> None:
    with transaction.atomic():
        hold(obj)
        group_rows(obj).filter(group=group_id).delete()
    pause_unshared()


# --- Rows ------------------------------------------------------------------------------------------------------------


def hold(obj: Owned) -> None:
    """Let one change of an object's shares wait for another."""
    type(obj)._base_manager.select_for_update(no_key=True).get(pk=obj.pk)


def user_rows(obj: Owned) -> Any:
    return grant_tables(obj)[0].objects.filter(content_object=obj)


def group_rows(obj: Owned) -> Any:
    return grant_tables(obj)[1].objects.filter(content_object=obj)


def awaited(obj: Owned) -> Any:
    return AWAITED[type(obj)].objects.filter(content_object=obj)


def drop(obj: Owned, address: str) -> None:
    user_rows(obj).filter(user__email=address).delete()
    awaited(obj).filter(address=address).delete()


def refuse_too_many(obj: Owned) -> None:
    if len(shares_of(obj)) >= SHARES_LIMIT:
        raise TooManyShares
