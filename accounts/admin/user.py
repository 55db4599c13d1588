"""Users: superusers invite and change them and mend their ways in; Managers see them, block and unblock."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import blocking
from accounts.access import person, sees_all
from accounts.admin.base import badge
from accounts.admin.user_door import DoorAdmin
from accounts.admin.user_filter import RoleFilter, StateFilter
from accounts.admin.user_form import InvitationForm, PasswordForm, ReasonForm, UserForm
from accounts.models import User


@admin.register(User)
class UserAdmin(DoorAdmin, DjangoUserAdmin):
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

    def has_block_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.block_user")

    @admin.display(description=_("state"), ordering="is_active")
    def state(self, user: User) -> SafeString:
        if user.is_invited:
            return badge("pending", gettext("invited"))
        return badge("accepted", gettext("active")) if user.is_active else badge("blocked", gettext("blocked"))

    @admin.display(description=_("role"))
    def role(self, user: User) -> str:
        return user.role_names()

    @admin.action(description=_("Block…"), permissions=["block"])
    def block(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Ask for the reason, then block each selected user who may be blocked."""
        form = ReasonForm(request.POST if "confirm" in request.POST else None)
        if not form.is_valid():
            return self.ask_reason(request, queryset, form)
        reason = form.cleaned_data["reason"]
        done = [user for user in queryset if self.try_to_block(request, user, reason)]
        if done:
            text = ngettext("%(n)s user is blocked.", "%(n)s users are blocked.", len(done))
            self.message_user(request, text % {"n": len(done)}, messages.SUCCESS)
        return None

    def try_to_block(self, request: HttpRequest, user: User, reason: str) -> bool:
        try:
            blocking.block(user.pk, person(request), reason)
        except blocking.CannotBlock as error:
            self.message_user(request, f"{user}: {error}", messages.WARNING)
            return False
        self.log(request, user, gettext("Blocked: %(reason)s") % {"reason": reason})
        return True

    def ask_reason(self, request: HttpRequest, queryset: QuerySet[User], form: ReasonForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Block users"),
            "opts": self.opts,
            "users": [(user, self.objection(request, user)) for user in queryset],
            "form": form,
            "hidden": [
                ("action", "block"),
                ("select_across", request.POST.get("select_across", "0")),
                ("index", "0"),
                *(("_selected_action", pk) for pk in request.POST.getlist("_selected_action")),
            ],
        }
        return TemplateResponse(request, "admin/accounts/user/block.html", context)

    def objection(self, request: HttpRequest, user: User) -> str:
        try:
            blocking.refuse_to_block(user, person(request))
        except blocking.CannotBlock as error:
            return str(error)
        return ""

    @admin.action(description=_("Unblock"), permissions=["block"])
    def unblock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            try:
                blocking.unblock(user.pk, person(request))
            except blocking.CannotBlock as error:
                self.message_user(request, f"{user}: {error}", messages.WARNING)
                continue
            self.log(request, user, gettext("Unblocked"))
            self.message_user(request, gettext("%(user)s can log in again.") % {"user": user}, messages.SUCCESS)
