"""One's own pages: name, time zone, language, and the second step. Nobody reaches anybody else's here."""

from __future__ import annotations

import zoneinfo
from typing import Any
from urllib.parse import quote

import segno
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views import View
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as remember_device

from accounts import journal, second_step
from accounts.access import person
from accounts.forms import NewCodeForm, PasswordAgainForm, ProfileForm
from accounts.models import User

# The key between the page that shows it and the code that proves it; a GET writes nothing but the session.
KEY = "second_step_key"


def page(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, admin.site.each_context(request) | {"title": title} | context)


def profile(request: HttpRequest) -> HttpResponse:
    user = User.objects.get(pk=person(request).pk)
    form = ProfileForm(request.POST or None, instance=user)
    if form.is_valid():
        form.save()
        messages.success(request, gettext("Your profile is saved."))
        response = redirect("admin:profile")
        # Otherwise the language chosen in this browser earlier would still win over the one just saved.
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response
    context = {
        "form": form,
        "zones": sorted(zoneinfo.available_timezones()),
        "has_second_step": second_step.is_on(user),
        "roles": user.role_names(),
    }
    return page(request, "admin/accounts/profile.html", gettext("My profile"), context)


@method_decorator(sensitive_post_parameters("code", "password"), name="dispatch")
class SecondStepView(View):
    """Switch the second step on, get new recovery codes, switch it off."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if second_step.is_on(person(request)):
            return self.show_state(request, PasswordAgainForm(request, person(request)))
        return self.show_key(request, NewCodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        if not second_step.is_on(person(request)):
            return self.switch_on(request)
        form = PasswordAgainForm(request, person(request), request.POST)
        if not form.is_valid():
            return self.show_state(request, form)
        return self.switch_off(request) if "off" in request.POST else self.renew(request)

    # --- Off: the key, and the code that proves it

    def show_key(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        user, key = person(request), request.session.setdefault(KEY, second_step.new_key())
        is_required = settings.REQUIRE_2FA and second_step.is_missing(user)
        context = {
            "form": form,
            "key": second_step.readable(key),
            "picture": segno.make(second_step.app_address(user, key), error="m").svg_data_uri(scale=5, light="#fff"),
            "is_required": is_required,
        }
        # Who must have a second step sees no menu until he has: every entry would lead back here.
        template = "registration/second_step.html" if is_required else "admin/accounts/second_step_on.html"
        return page(request, template, gettext("Two-step sign-in"), context)

    def switch_on(self, request: HttpRequest) -> HttpResponse:
        form = NewCodeForm(request.POST)
        if KEY not in request.session or not form.is_valid():
            return self.show_key(request, form)
        try:
            user, device, codes = second_step.switch_on(
                person(request).pk, request.session[KEY], form.cleaned_data["code"]
            )
        except second_step.WrongCode:
            text = gettext("This is not the code the app should show. Does the telephone's clock tell the right time?")
            form.add_error("code", ValidationError(text))
            return self.show_key(request, form)
        except second_step.SwitchedOnAlready:
            return redirect("admin:second_step")
        del request.session[KEY]
        request.user = user
        update_session_auth_hash(request, user)
        remember_device(request, device)
        journal.write(user, user, second_step.ON())
        return self.show_codes(request, codes)

    # --- On: new recovery codes, or off again

    def show_state(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        context = {"form": form, "codes_left": second_step.recovery_codes_left(person(request))}
        return page(request, "admin/accounts/second_step.html", gettext("Two-step sign-in"), context)

    def renew(self, request: HttpRequest) -> HttpResponse:
        user = person(request)
        codes = second_step.renew_recovery_codes(user)
        journal.write(user, user, second_step.RENEWED())
        return self.show_codes(request, codes)

    def switch_off(self, request: HttpRequest) -> HttpResponse:
        user = person(request)
        second_step.switch_off(user)
        journal.write(user, user, second_step.OFF())
        messages.success(request, gettext("Two-step sign-in is switched off: the password alone opens the door."))
        return redirect("admin:profile")

    def show_codes(self, request: HttpRequest, codes: list[str]) -> HttpResponse:
        """Show the codes in the answer itself: they are kept nowhere from where they could be shown again."""
        heading = gettext("Postroom recovery codes of %(user)s. Each works once.") % {"user": person(request)}
        text = "\r\n".join([heading, "", *codes, ""])
        context = {"heading": heading, "codes": codes, "file": f"data:text/plain;charset=utf-8,{quote(text)}"}
        return page(request, "admin/accounts/recovery_codes.html", gettext("Recovery codes"), context)
