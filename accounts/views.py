"""The pages before the door: sign in, the second step, a new password by mail, an invitation."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, PasswordResetConfirmView, PasswordResetView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from accounts import invitation, second_step, waiting
from accounts.forms import CodeForm, LoginForm, ResetForm
from accounts.models import User
from accounts.moment import when


class SignInView(LoginView):
    """The password. Whoever has a second step is not in yet, and is asked for a code."""

    authentication_form = LoginForm
    template_name = "admin/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        if not second_step.is_on(user):
            return super().form_valid(form)
        waiting.begin(self.request, user, self.get_success_url())
        return redirect("admin:login_code")


@method_decorator([sensitive_post_parameters("code"), never_cache], name="dispatch")
class CodeView(FormView):
    """The second step. `?recovery` asks for a recovery code: a telephone's keyboard of digits has no letters."""

    form_class = CodeForm
    template_name = "registration/code.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = waiting.find(request)
        if found is None:
            waiting.end(request)
            return redirect("admin:login")
        self.user, self.waiting = found
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request, "user": self.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"is_recovery": "recovery" in self.request.GET}

    def form_valid(self, form: CodeForm) -> HttpResponse:
        waiting.end(self.request)
        # django-otp puts the device into the session when it sees it here.
        self.user.otp_device = form.device
        login(self.request, self.user, backend=self.waiting.backend)
        if second_step.is_recovery(form.device):
            self.tell_what_is_left()
        return HttpResponseRedirect(self.waiting.next_url)

    def tell_what_is_left(self) -> None:
        left = second_step.recovery_codes_left(self.user)
        text = ngettext(
            "You used a recovery code; %(n)s is left. Your profile has new ones.",
            "You used a recovery code; %(n)s are left. Your profile has new ones.",
            left,
        )
        messages.warning(self.request, text % {"n": left})


class ResetView(PasswordResetView):
    """A link by mail: the same answer for known, unknown and blocked addresses, and for those who ask too often."""

    form_class = ResetForm
    template_name = "registration/password_reset_form.html"


class InvitationView(PasswordResetConfirmView):
    token_generator = invitation.tokens
    template_name = "registration/invitation.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"until": when(self.user.invitation_ends_at if self.user else None)}
