"""The action by which a superuser gives rows to another owner, and the page that says beforehand what goes along."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import journal
from accounts.admin.choice import OneChoice
from accounts.models import User
from mailings import acts, operations
from mailings.admin.base import OwnedAdmin
from mailings.operations import Bundle, NotPossible

SELECTED_LIMIT = 200


class OwnerForm(forms.Form):
    new_owner = OneChoice(label=_("New owner"), queryset=User.objects.none())

    def __init__(self, former: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = cast("OneChoice", self.fields["new_owner"])
        choice.queryset = User.objects.filter(is_active=True).exclude(pk=former.pk).order_by("email")


class TransferableAdmin(OwnedAdmin):
    actions: Any = ("transfer",)

    def has_transfer_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    @admin.action(description=_("Give to another owner…"), permissions=["transfer"])
    def transfer(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask to whom, say what goes along and what collides, then do it."""
        rows = list(queryset.select_related("owner")[: SELECTED_LIMIT + 1])
        if len(rows) > SELECTED_LIMIT or len({row.owner_id for row in rows}) > 1:
            sentence = gettext("Select rows of one owner, at most %(n)s.") % {"n": SELECTED_LIMIT}
            self.message_user(request, sentence, messages.WARNING)
            return None
        bundle = operations.belonging_to(rows)
        form = OwnerForm(bundle.owner, request.POST if "new_owner" in request.POST else None)
        if form.is_valid() and self.is_agreed(request, bundle):
            self.hand_over(request, rows, bundle, form.cleaned_data["new_owner"])
            return None
        return self.transfer_page(request, rows, bundle, form)

    def is_agreed(self, request: HttpRequest, bundle: Bundle) -> bool:
        """Take a yes only for the numbers that were on the page; if they have changed since, ask again."""
        if "confirm" not in request.POST:
            return False
        if request.POST.get("numbers") == in_short(bundle):
            return True
        self.message_user(request, gettext("The numbers have changed. Look again."), messages.WARNING)
        return False

    def hand_over(self, request: HttpRequest, rows: list[Any], bundle: Bundle, to: User) -> None:
        values = {"before": str(bundle.owner), "after": str(to), **bundle.numbers}
        try:
            operations.transfer(bundle, to)
        except NotPossible as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        line = acts.TRANSFERRED(**values)
        journal.write_many(request.user, rows, line)
        self.message_user(request, str(line), messages.SUCCESS)

    def transfer_page(self, request: HttpRequest, rows: list[Any], bundle: Bundle, form: OwnerForm) -> HttpResponse:
        to = form.cleaned_data["new_owner"] if form.is_valid() else None
        confirmed = [("new_owner", to.pk), ("numbers", in_short(bundle)), ("confirm", "1")] if to else []
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Give to another owner"),
            "rows": rows,
            "former": bundle.owner,
            "to": to,
            "numbers": in_words(bundle),
            "collisions": operations.collisions(bundle, to) if to else None,
            "objection": objection(bundle, to) if to else "",
            "form": form,
            "hidden": [
                ("action", "transfer"),
                ("select_across", request.POST.get("select_across", "0")),
                ("index", "0"),
                *(("_selected_action", pk) for pk in request.POST.getlist("_selected_action")),
                *confirmed,
            ],
        }
        return TemplateResponse(request, "admin/mailings/transfer.html", context)


def in_short(bundle: Bundle) -> str:
    return "-".join(map(str, bundle.numbers.values()))


def in_words(bundle: Bundle) -> list[tuple[str, int]]:
    labels = {
        "lists": gettext("client lists"),
        "clients": gettext("clients"),
        "messages": gettext("messages"),
        "mailings": gettext("mailings"),
        "runs": gettext("runs with their records"),
    }
    return [(labels[name], count) for name, count in bundle.numbers.items()]


def objection(bundle: Bundle, to: User) -> str:
    try:
        operations.refuse_transfer(bundle, to)
    except NotPossible as error:
        return str(error)
    return ""
