"""What a superuser does at somebody's door: sends the invitation again, lifts a lock, resets the second step."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import invitation, lockout, second_step, tasks
from accounts.admin.base import SafeAdmin
from accounts.models import User
from accounts.moment import when


class DoorAdmin(SafeAdmin):
    def has_superuser_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    def invite(self, user: User) -> None:
        """Send the letter once the user is really there."""
        transaction.on_commit(lambda: tasks.send_invitation_soon(user.pk))

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> None:  # type: ignore[override]  # as the base
        super().log_addition(request, obj, invitation.INVITED())

    @admin.action(description=_("Send the invitation again"), permissions=["superuser"])
    def invite_again(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for chosen in queryset:
            try:
                user = invitation.renew(chosen.pk)
            except invitation.CannotInvite as error:
                self.message_user(request, f"{chosen}: {error}", messages.WARNING)
                continue
            tasks.send_invitation_soon(user.pk)
            self.log(request, user, invitation.SENT_AGAIN())
            self.message_user(request, told(user), messages.SUCCESS)

    @admin.action(description=_("Lift the lock on sign-in"), permissions=["superuser"])
    def lift_lock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            if not lockout.lift(user):
                self.message_user(request, gettext("%(user)s: nothing was locked.") % {"user": user})
                continue
            self.log(request, user, lockout.LOCK_LIFTED())
            self.message_user(request, gettext("%(user)s can try to sign in again.") % {"user": user}, messages.SUCCESS)

    @admin.action(description=_("Reset two-step sign-in…"), permissions=["superuser"])
    def reset_second_step(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Ask first: whoever calls and has “lost his telephone” may be somebody else."""
        if "confirm" not in request.POST:
            return self.ask_to_reset(request, queryset)
        count = 0
        for user in queryset:
            if second_step.reset(user):
                self.log(request, user, second_step.RESET())
                count += 1
        text = ngettext(
            "Two-step sign-in is reset for %(n)s user.", "Two-step sign-in is reset for %(n)s users.", count
        )
        self.message_user(request, text % {"n": count}, messages.SUCCESS if count else messages.WARNING)
        return None

    def ask_to_reset(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse:
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": gettext("Reset two-step sign-in"),
            "opts": self.opts,
            "users": [(user, second_step.is_on(user)) for user in queryset],
            "hidden": [
                ("action", "reset_second_step"),
                ("select_across", request.POST.get("select_across", "0")),
                ("index", "0"),
                *(("_selected_action", pk) for pk in request.POST.getlist("_selected_action")),
            ],
        }
        return TemplateResponse(request, "admin/accounts/user/reset_second_step.html", context)

    def door_of(self, request: HttpRequest, user: User) -> dict[str, Any]:
        """Say how somebody comes in, or why not, and what a superuser can do about it."""
        is_locked, has_second_step = lockout.is_locked(user), second_step.is_on(user)
        buttons = [
            ("invite_again", gettext("Send the invitation again"), user.is_invited),
            ("lift_lock", gettext("Lift the lock on sign-in"), is_locked),
            ("reset_second_step", gettext("Reset two-step sign-in…"), has_second_step),
        ]
        facts = [
            (told(user), user.is_invited),
            (gettext("Sign-in is locked for a while after too many wrong tries."), is_locked),
            (gettext("Two-step sign-in is on."), has_second_step),
        ]
        may_act = self.has_superuser_permission(request)
        return {
            "facts": [sentence for sentence, is_so in facts if is_so],
            "buttons": [(name, label) for name, label, is_possible in buttons if is_possible and may_act],
        }


def told(user: User) -> str:
    """Say of an invitation until when it works."""
    values = {"user": user, "time": when(user.invitation_ends_at)}
    if invitation.has_ended(user):
        return gettext("The invitation ended at %(time)s unused.") % values
    return gettext("Invited: the link sent to %(user)s works until %(time)s.") % values
