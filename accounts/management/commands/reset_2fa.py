"""Take the second step of signing in from somebody who lost his app and his recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import journal, second_step
from accounts.models import User


class Command(BaseCommand):
    help = "Switch off two-step sign-in for a user who lost the app and the recovery codes, and end his sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email=User.objects.normalize_email(email)).first()
        if user is None:
            raise CommandError(f"There is no user {email}.")
        if not second_step.reset(user):
            self.stdout.write(f"{user} had no two-step sign-in. His sessions are ended.")
            return
        # Nobody is signed in here; the line stands under the one whom it concerns.
        journal.write(user, user, second_step.RESET())
        self.stdout.write(f"Two-step sign-in of {user} is off, his sessions are ended. The password is as it was.")
