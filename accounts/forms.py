"""The door: one sentence for unknown, wrong and blocked, so that it tells nobody who has an account."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate, user_login_failed
from django.contrib.auth.forms import PasswordResetForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import lockout, second_step, tasks
from accounts.models import ResetRequest, User

SENTENCE = _("This e-mail and password do not fit together, or the account is blocked.")


def refusal(request: HttpRequest, login: str, otherwise: str) -> ValidationError:
    """Say that the door is closed and until when, if it is; else the sentence."""
    until = lockout.locked_until(request, login)
    return ValidationError(lockout.sentence(until) if until else otherwise, code="locked" if until else "invalid")


class LoginForm(AdminAuthenticationForm):
    # An address and nothing else, so that a password typed into the wrong field is neither counted nor kept.
    username = forms.EmailField(max_length=254)
    error_messages = {"invalid_login": SENTENCE, "inactive": SENTENCE}

    def clean_username(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["username"])

    def get_invalid_login_error(self) -> ValidationError:
        assert self.request is not None
        return refusal(self.request, self.cleaned_data["username"], str(SENTENCE))


class CodeForm(forms.Form):
    """The second step. After too many wrong codes the door closes as it does after wrong passwords."""

    code = forms.CharField(label=_("Code"), max_length=40)

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user, self.device = request, user, None

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if lockout.locked_until(self.request, self.user.email):
            raise refusal(self.request, self.user.email, "")
        try:
            self.device = second_step.check(self.user, code)
        except second_step.TooSoon as error:
            raise ValidationError(wait_for(error)) from error
        except second_step.WrongCode as error:
            failed = {"username": self.user.email}
            user_login_failed.send(sender=__name__, credentials=failed, request=self.request)
            text = gettext("This code is wrong or was used before. Wait for the app to show the next one.")
            raise refusal(self.request, self.user.email, text) from error
        return code


def wait_for(error: second_step.TooSoon) -> str:
    seconds = max(1, math.ceil((error.until - timezone.now()).total_seconds()))
    text = ngettext(
        "After a wrong code one has to wait: %(n)s second more.",
        "After a wrong code one has to wait: %(n)s seconds more.",
        seconds,
    )
    return text % {"n": seconds}


class NewCodeForm(forms.Form):
    """The code that proves that the app has got the key."""

    code = forms.CharField(
        label=_("Code from the app"),
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )

    def clean_code(self) -> str:
        return "".join(str(self.cleaned_data["code"]).split())


class PasswordAgainForm(forms.Form):
    """The password once more, before something that weakens the door. Wrong ones count as they do at the door."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if authenticate(self.request, username=self.user.email, password=password) != self.user:
            raise refusal(self.request, self.user.email, gettext("The password is wrong."))
        return password


class ResetForm(PasswordResetForm):
    def save(self, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        """Leave the letter to a worker: the time it takes to write one would tell whether the address is known."""
        address = lockout.client_address(request) if request else None
        for user in self.get_users(User.objects.normalize_email(self.cleaned_data["email"])):
            if ResetRequest.objects.admit(user, address):
                tasks.send_reset_letter_soon(user.pk)


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("full_name", "time_zone", "language")
        widgets = {"time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"})}
