"""Letters to people who log in. Links begin with the address from the settings, never with a request's Host header."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import invitation
from accounts.models import User
from accounts.moment import when


def send_reset_letter(user_id: int) -> None:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    form = PasswordResetForm({"email": user.email}) if user else None
    if user is None or form is None or not form.is_valid():
        return
    site = urlsplit(settings.SITE_URL)
    with translation.override(user.language):
        form.save(domain_override=site.netloc, use_https=site.scheme == "https")


def send_invitation(user_id: int) -> None:
    """Send the link to set a password with; nothing to somebody who has one, or was blocked meanwhile."""
    user = User.objects.filter(pk=user_id).first()
    if user is None or not user.is_invited:
        return
    with translation.override(user.language), timezone.override(user.time_zone):
        values = {
            "email": user.email,
            "site": settings.SITE_URL,
            "link": settings.SITE_URL + invitation_path(user),
            "until": when(user.invitation_ends_at),
        }
        subject = render_to_string("registration/invitation_subject.txt").strip()
        text = render_to_string("registration/invitation_letter.txt", values)
    send_mail(subject, text, None, [user.email])


def invitation_path(user: User) -> str:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("invitation", kwargs={"uidb64": uid, "token": invitation.tokens.make_token(user)})
