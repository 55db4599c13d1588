"""Answers `user.has_perm(perm, obj)` for one's own rows, for those who see all, and for grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import BaseBackend
from django.db.models import Model
from guardian.backends import ObjectPermissionBackend

from accounts.access import Owned, granted_ids, sees_all

if TYPE_CHECKING:
    from accounts.models import User


def split(perm: str, obj: Model) -> str | None:
    """Return the action of a permission on this very model (`view` of `mailings.view_client`), else None."""
    app, _, codename = perm.rpartition(".")
    action, _, model = codename.rpartition("_")
    is_same = model == obj._meta.model_name and app in ("", obj._meta.app_label)
    return action if is_same else None


class OwnerBackend(BaseBackend):
    """One's own rows: an object permission is the model's permission plus ownership. Costs no query."""

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        if not isinstance(obj, Owned) or not user_obj.is_active or not user_obj.has_perm(perm):
            return False
        if obj.owner_id == user_obj.pk:
            return True
        return split(perm, obj) == "view" and (sees_all(user_obj, type(obj)) or self.is_reached(user_obj, obj))

    def is_reached(self, user: User, obj: Owned) -> bool:
        """Tell whether a grant on another object shows this one (a run through its mailing)."""
        model = obj.granted_model()
        if not obj.grant_path or model is None:
            return False
        ids = granted_ids(user, model, "view")
        return bool(ids) and type(obj)._base_manager.filter(type(obj).reached_through(ids), pk=obj.pk).exists()


class GrantBackend(ObjectPermissionBackend):
    """Guardian's backend, for rows of models that can be granted, within the model's permission."""

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        if not isinstance(obj, Owned) or obj.grant_path != "" or split(perm, obj) is None:
            return False
        return user_obj.is_active and user_obj.has_perm(perm) and super().has_perm(user_obj, perm, obj)
