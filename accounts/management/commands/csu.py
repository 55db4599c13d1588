"""Create the superuser from SUPERUSER_EMAIL and SUPERUSER_PASSWORD; run again, it brings him back to them."""

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.models import User


class Command(BaseCommand):
    help = "Create the superuser from SUPERUSER_EMAIL and SUPERUSER_PASSWORD in the environment."

    def handle(self, *args: Any, **options: Any) -> None:
        email, password = settings.SUPERUSER_EMAIL, settings.SUPERUSER_PASSWORD
        if not email or not password:
            raise CommandError("Set SUPERUSER_EMAIL and SUPERUSER_PASSWORD in .env, then run csu again.")
        refuse_bad(email, password)
        user, is_new = User.objects.get_or_create(
            email=User.objects.normalize_email(email), defaults={"is_superuser": True}
        )
        if not user.is_active:
            raise CommandError(f"{user} is blocked. Unblock him first, or name another address.")
        user.is_superuser = True
        user.set_password(password)
        user.save(update_fields=["is_superuser", "password"])
        self.stdout.write(f"Superuser {user} is {'created' if is_new else 'up to date'}.")


def refuse_bad(email: str, password: str) -> None:
    """:raises CommandError: no address, or (outside DEBUG) a password that is easy to guess."""
    try:
        validate_email(email)
        if not settings.DEBUG:
            validate_password(password, User(email=User.objects.normalize_email(email)))
    except ValidationError as error:
        raise CommandError("SUPERUSER_EMAIL or SUPERUSER_PASSWORD: " + " ".join(error.messages)) from error
