"""Blocking and unblocking people: what is asked first, what it says it will stop, and what the journal keeps of it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import acts, blocking
from accounts.access import person
from accounts.admin.base import SafeAdmin
from accounts.admin.user_form import BlockForm
from accounts.models import User


class BlockAdmin(SafeAdmin):
    def has_block_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.block_user")

    @admin.action(description=_("Block…"), permissions=["block"])
    def block(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Ask for the reason and what becomes of the mailings, then block each selected user who may be blocked."""
        form = BlockForm(request.POST if "confirm" in request.POST else None)
        if not form.is_valid():
            return self.ask_reason(request, queryset, form)
        for user in queryset:
            self.try_to_block(request, user, form.cleaned_data)
        return None

    def try_to_block(self, request: HttpRequest, user: User, asked: dict[str, str]) -> None:
        switches_off = asked["mailings"] == BlockForm.SWITCH_OFF
        try:
            line = blocking.block(user.pk, person(request), asked["reason"], switches_off=switches_off)
        except blocking.CannotBlock as error:
            self.message_user(request, f"{user}: {error}", messages.WARNING)
            return
        self.log(request, user, line)
        self.message_user(request, f"{user}: {line}", messages.SUCCESS)

    def ask_reason(self, request: HttpRequest, queryset: QuerySet[User], form: BlockForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Block users"),
            "opts": self.opts,
            "users": [
                {"name": user, "objection": self.objection(request, user), "stops": blocking.consequences(user)}
                for user in queryset
            ],
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
            self.log(request, user, acts.UNBLOCKED())
            self.message_user(request, gettext("%(user)s can log in again.") % {"user": user}, messages.SUCCESS)
