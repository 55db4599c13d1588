"""Users: superusers invite and change them and mend their ways in; Managers see them, block and unblock."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import acts
from accounts.access import person, sees_all
from accounts.admin.base import badge
from accounts.admin.user_block import BlockAdmin
from accounts.admin.user_door import DoorAdmin
from accounts.admin.user_filter import RoleFilter, StateFilter
from accounts.admin.user_form import InvitationForm, PasswordForm, UserForm
from accounts.models import User


@admin.register(User)
class UserAdmin(BlockAdmin, DoorAdmin, DjangoUserAdmin):
    form = UserForm
    add_form = InvitationForm
    # Django's own one speaks of a password.
    add_form_template = None
    change_password_form = PasswordForm
    list_display = ("email", "full_name", "role", "state", "last_login")
    list_filter = (StateFilter, RoleFilter)
    search_fields = ("email", "full_name")
    search_help_text = _("E-mail or name")
    ordering = ("email",)
    filter_horizontal: ClassVar = ()
    actions = ("block", "unblock", "invite_again", "lift_lock", "reset_second_step")
    readonly_fields = ("blocked_at", "blocked_by", "blocked_reason", "last_login", "created_at", "role")
    person_fields = ("email", "full_name", "time_zone", "language")
    record_fields = ("last_login", "created_at")
    blocked_fields = ("blocked_at", "blocked_by", "blocked_reason", *record_fields)
    add_fieldsets = (
        (
            None,
            {
                "fields": ("email", "full_name", "role", "language"),
                "description": _("A letter with a link to set a password goes to this address."),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows = super().get_queryset(request).prefetch_related("groups")
        return rows if sees_all(person(request), User) else rows.filter(pk=request.user.pk)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the password's hash and the roles to superusers only."""
        if obj is None:
            return self.add_fieldsets
        record = (_("Record"), {"fields": self.record_fields if obj.is_active else self.blocked_fields})
        if not request.user.is_superuser:
            return ((None, {"fields": (*self.person_fields, "role")}), record)
        rights = (_("Rights"), {"fields": ("groups", "is_superuser")})
        return ((None, {"fields": (*self.person_fields, "password")}), rights, record)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Of somebody new the role is a field of the form, later a word beside the groups.
        return self.readonly_fields if obj else ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Invite whoever is new: without a password of his own nobody can sign in as him."""
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.set_unusable_password()
        obj.invited_at = timezone.now()
        super().save_model(request, obj, form, change)
        form.give_role(obj)
        self.invite(obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write down another role, which the list of changed fields would only hint at."""
        user = form.instance
        before = roles_of(user, bool(form.initial.get("is_superuser"))) if change else []
        super().save_related(request, form, formsets, change)
        after = roles_of(user, user.is_superuser)
        if change and before != after:
            self.log(request, user, acts.ROLE_CHANGED(before=before, after=after))

    def note(self, request: HttpRequest, obj: Any = None) -> str:
        if request.user.is_superuser or obj == request.user:
            return ""
        return gettext("Read-only: superusers make and change people, Managers block and unblock them.")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        user = context.get("original")
        extra = {"door": self.door_of(request, user), "badge": self.state(user)} if user else {}
        return super().render_change_form(request, context | extra, *args, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and (request.user.has_perm("accounts.view_user") or request.user == obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # People are blocked, never deleted: the record of what they sent stays theirs.
        return False

    @admin.display(description=_("state"), ordering="is_active")
    def state(self, user: User) -> SafeString:
        if user.is_invited:
            return badge("pending", gettext("invited"))
        return badge("accepted", gettext("active")) if user.is_active else badge("blocked", gettext("blocked"))

    @admin.display(description=_("role"))
    def role(self, user: User) -> str:
        return user.role_names()


def roles_of(user: User, is_superuser: bool) -> list[str]:
    """Name what a person is, in the words that the journal keeps."""
    return ["Superuser"] * is_superuser + sorted(user.groups.values_list("name", flat=True))
