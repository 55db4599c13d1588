"""Who may see a row: one answer for a set (`visible_to`) and, in `backends`, for one object.

The owner column is the truth for one's own rows; guardian's tables hold the grants beyond it; “sees all” is a
permission of its own. Refuses nothing itself: pages and operations ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User


def person(request: HttpRequest) -> User:
    """Name who asks on a page that wants a login (the admin's all do)."""
    return cast("User", request.user)


def permission(model: type[models.Model], action: str) -> str:
    """Name a permission the way `has_perm` wants it: `mailings.view_client`."""
    return f"{model._meta.app_label}.{action}_{model._meta.model_name}"


def sees_all(user: User, model: type[models.Model]) -> bool:
    return user.has_perm(permission(model, "view_all"))


def grant_tables(model: Any) -> tuple[Any, Any]:
    """Find guardian's tables of grants on rows of a model: those to people, and those to groups."""
    return get_user_obj_perms_model(model), get_group_obj_perms_model(model)


def granted_ids(user: User, model: type[models.Model], action: str) -> list[int]:
    """List the rows of `model` that others have granted to the user or to one of his groups.

    A grant reaches no further than the role: whoever may see no lists at all sees none by it.
    """
    if not user.has_perm(permission(model, action)):
        return []
    to_people, to_groups = grant_tables(model)
    of_user = to_people.objects.filter(user=user)
    of_groups = to_groups.objects.filter(group__in=user.groups.all())
    codename = f"{action}_{model._meta.model_name}"
    ids = [
        rows.filter(permission__codename=codename).values_list("content_object_id", flat=True).order_by()
        for rows in (of_user, of_groups)
    ]
    return list(ids[0].union(ids[1]))


def granted_actions(user: User, model: type[models.Model]) -> dict[int, set[str]]:
    """Tell what the user may do with which rows of `model`, by grants to him or to one of his groups."""
    to_people, to_groups = grant_tables(model)
    of_user = to_people.objects.filter(user=user)
    of_groups = to_groups.objects.filter(group__in=user.groups.all())
    pairs = [rows.values_list("content_object_id", "permission__codename").order_by() for rows in (of_user, of_groups)]
    found: dict[int, set[str]] = {}
    for pk, codename in pairs[0].union(pairs[1]):
        found.setdefault(pk, set()).add(codename.partition("_")[0])
    return found


class OwnedQuerySet(models.QuerySet[Any]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def visible_to(self, user: User) -> Self:
        """Keep what the user may see: his own, what is granted to him, or everything if he sees all."""
        return self.reachable(user, "view")

    def usable_by(self, user: User) -> Self:
        """Keep what the user may put into his own mailings: his own and what is granted to him for use."""
        return self.reachable(user, "use")

    def reachable(self, user: User, action: str) -> Self:
        if not user.is_active:
            return self.none()
        if action == "view" and not user.has_perm(permission(self.model, "view")):
            return self.none()
        if action == "view" and sees_all(user, self.model):
            return self.all()
        ids = granted_ids(user, self.model.granted_model(), action) if self.model.granted_model() else []
        if not ids:
            # Without the OR the page runs on the owner's index alone, several times faster.
            return self.filter(owner=user)
        return self.filter(Q(owner=user) | self.model.reached_through(ids))


class Owned(models.Model):
    """A row with an owner.

    `grant_path` leads to the object that can be granted ("" is the row itself, None is nothing): a run is seen by
    whoever is granted its mailing.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False, verbose_name=_("owner")
    )

    grant_path: ClassVar[str | None] = None

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def granted_model(cls) -> type[models.Model] | None:
        """Find the model whose grants reach rows of this one."""
        if cls.grant_path is None:
            return None
        model: type[models.Model] = cls
        for step in filter(None, cls.grant_path.split("__")):
            model = model._meta.get_field(step).related_model  # type: ignore[assignment]  # paths follow relations only
        return model

    @classmethod
    def reached_through(cls, ids: list[int]) -> Q:
        """Select the rows that grants on `ids` reach, without a join that could repeat a row."""
        if not cls.grant_path:
            return Q(pk__in=ids)
        return Q(pk__in=cls._base_manager.filter(**{f"{cls.grant_path}__in": ids}).values("pk"))
