"""Password reset by mail: the same answer for known, unknown and blocked addresses."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import PasswordResetView

from accounts import tasks
from accounts.models import User


class ResetForm(PasswordResetForm):
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Leave the letter to a worker: the time it takes to write one would tell whether the address is known."""
        for user in self.get_users(User.objects.normalize_email(self.cleaned_data["email"])):
            tasks.send_reset_letter_soon(user.pk)


class ResetView(PasswordResetView):
    form_class = ResetForm
    template_name = "registration/password_reset_form.html"
