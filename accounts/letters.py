"""Letters to people who log in."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.utils import translation

from accounts.models import User


def send_reset_letter(user_id: int) -> None:
    """Send the link, with the address from the settings and never from a request's Host header."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    form = PasswordResetForm({"email": user.email}) if user else None
    if user is None or form is None or not form.is_valid():
        return
    site = urlsplit(settings.SITE_URL)
    with translation.override(user.language):
        form.save(domain_override=site.netloc, use_https=site.scheme == "https")
