"""The two roles, as groups that every migration brings back to this table. People are put into them by a superuser."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

USER = "User"
MANAGER = "Manager"

OWN = ("client", "clientlist", "message", "mailing", "attachment")
READ = ("run", "delivery", "attempt", "importjob", "hourlycounter")
USABLE = ("message", "clientlist")


def user_codenames() -> set[str]:
    """A User makes, changes and deletes his own, and reads the record of his mailings."""
    own = {f"{action}_{model}" for model in OWN for action in ("add", "change", "delete", "view")}
    read = {f"view_{model}" for model in READ}
    use = {f"use_{model}" for model in USABLE}
    return own | read | use | {"view_suppression", "add_suppression", "delete_suppression", "view_journalentry"}


def manager_codenames() -> set[str]:
    """A Manager sees everything of everybody, switches mailings off and blocks users; nothing else."""
    models = (*OWN, *READ, "suppression", "user", "journalentry")
    views = {f"view_{model}" for model in models}
    alls = {f"view_all_{model}" for model in models}
    return views | alls | {"switch_off_mailing", "block_user"}


ROLES = {USER: user_codenames, MANAGER: manager_codenames}


def keep_roles(**_: Any) -> None:
    """Bring the groups back to the table (idempotent; runs after each app's migration, so the last one is complete)."""
    ours = Q(content_type__app_label__in=("accounts", "mailings"))
    for name, codenames in ROLES.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(Permission.objects.filter(ours, codename__in=codenames()))
