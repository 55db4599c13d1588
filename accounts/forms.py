"""The door: one sentence for unknown, wrong and blocked, so that it tells nobody who has an account."""

from django.contrib.admin.forms import AdminAuthenticationForm
from django.utils.translation import gettext_lazy as _

from accounts.models import User

SENTENCE = _("This e-mail and password do not fit together, or the account is blocked.")


class LoginForm(AdminAuthenticationForm):
    error_messages = {"invalid_login": SENTENCE, "inactive": SENTENCE}

    def clean_username(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["username"])
