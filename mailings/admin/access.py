"""The page on which the owner of a message, a client list or a mailing shares it and takes it back.

guardian's own pages let anybody who may see an object grant himself the rest. On this one, whatever is typed as an
address gets the same answer and stands in the list, whether somebody works there or not.
"""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access import Owned
from accounts.admin.choice import OneChoice
from accounts.journal import Line
from accounts.models import User
from mailings import acts
from mailings.admin import ownership
from mailings.admin.transfer import TransferableAdmin
from mailings.models import Level
from mailings.operations import NotPossible, share
from mailings.sending.address import mask


class LevelForm(forms.Form):
    level = forms.ChoiceField(label=_("May"))

    def __init__(self, model: type[Owned], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        level = cast("forms.ChoiceField", self.fields["level"])
        level.choices = [(each.value, each.in_words(model)) for each in Level.of(model)]


class AddressForm(LevelForm):
    address = forms.EmailField(label=_("A colleague's e-mail address"), max_length=254)
    field_order = ("address", "level")

    def clean_address(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["address"])


class GroupForm(LevelForm):
    group = OneChoice(label=_("A group"), queryset=Group.objects.order_by("name"))
    field_order = ("group", "level")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        group = cast("OneChoice", self.fields["group"])
        group.label_from_instance = lambda obj: gettext(str(obj))  # type: ignore[method-assign]  # as documented


class SharedAdmin(TransferableAdmin):
    """Rows that their owner may share one by one."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.access_view)
        return [path("<int:pk>/access/", view, name=self.access_name()), *super().get_urls()]

    def access_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_access"

    def has_access_permission(self, request: HttpRequest, obj: Owned) -> bool:
        """Tell whether somebody shares this: its owner, whose role lets him change such things, or a superuser."""
        is_owner = obj.owner_id == request.user.pk and self.may(request, "change", obj)
        return request.user.is_active and (is_owner or request.user.is_superuser)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj and obj.pk and self.has_access_permission(request, obj):
            url = reverse(f"admin:{self.access_name()}", args=[obj.pk])
            context = {**context, "access_url": url, "access_count": len(share.shares_of(obj))}
        return super().render_change_form(request, context, *args, **kwargs)

    # --- The page

    def access_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """:raises PermissionDenied: one sees it but does not own it."""
        obj = self.own_or_404(request, pk)
        if not self.has_access_permission(request, obj):
            raise PermissionDenied
        address = AddressForm(
            self.model, request.POST if "share_address" in request.POST else None, auto_id="address_%s"
        )
        group = GroupForm(self.model, request.POST if "share_group" in request.POST else None, auto_id="group_%s")
        if request.method == "POST" and (address.is_valid() or group.is_valid() or is_withdrawal(request)):
            self.change_shares(request, obj, address, group)
            return HttpResponseRedirect(request.path)
        return self.access_page(request, obj, address, group)

    def change_shares(self, request: HttpRequest, obj: Owned, address: AddressForm, group: GroupForm) -> None:
        """Do what the page asks, say what was done, and write it in the journal."""
        try:
            if address.is_bound:
                line = share_with_address(obj, address.cleaned_data)
            elif group.is_bound:
                line = share_with_group(obj, group.cleaned_data)
            else:
                line = withdraw(obj, request.POST)
        except NotPossible as error:
            self.message_user(request, str(error), messages.WARNING)
            return
        self.log(request, obj, Line(line.act, line.values | {"whom": masked(line.values["whom"])}))
        self.message_user(request, str(line), messages.SUCCESS)

    def access_page(self, request: HttpRequest, obj: Owned, address: AddressForm, group: GroupForm) -> HttpResponse:
        shares = share.shares_of(obj)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "title": gettext("Access"),
            "shares": [
                {
                    "name": gettext(each.name) if each.group_id else each.name,
                    "group_id": each.group_id,
                    "rights": each.level.in_words(self.model),
                }
                for each in shares
            ],
            "forms": (("share_address", address), ("share_group", group)),
            "rights": ownership.explanations(self.model),
        }
        return TemplateResponse(request, "admin/mailings/access.html", context)


# --- What the page asks for ------------------------------------------------------------------------------------------


def share_with_address(obj: Owned, asked: dict[str, Any]) -> Line:
    share.share_with_address(obj, asked["address"], Level(asked["level"]))
    return acts.SHARED(whom=asked["address"], model=obj._meta.model_name, level=asked["level"])


def share_with_group(obj: Owned, asked: dict[str, Any]) -> Line:
    share.share_with_group(obj, asked["group"], Level(asked["level"]))
    return acts.SHARED(whom=asked["group"].name, model=obj._meta.model_name, level=asked["level"])


def is_withdrawal(request: HttpRequest) -> bool:
    return "withdraw_address" in request.POST or "withdraw_group" in request.POST


def withdraw(obj: Owned, asked: Any) -> Line:
    """Take back one of the shares that the page lists.

    :raises NotPossible: there is no such share; another page may have been quicker.
    """
    found = next((each for each in share.shares_of(obj) if is_meant(each, asked)), None)
    if found is None:
        raise NotPossible(_("That was taken back already."))
    if found.group_id:
        share.withdraw_from_group(obj, found.group_id)
    else:
        share.withdraw_from_address(obj, found.name)
    return acts.WITHDRAWN(whom=found.name)


def is_meant(each: share.Share, asked: Any) -> bool:
    if each.group_id:
        return bool(asked.get("withdraw_group") == str(each.group_id))
    return bool(asked.get("withdraw_address") == each.name)


def masked(name: str) -> str:
    return mask(name) if "@" in name else name
