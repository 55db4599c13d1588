"""Load the demo data: people, client lists, messages, mailings in several states."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mailings.operations.demo import add_demo_data


class Command(BaseCommand):
    help = "Load the demo data (people with a known password: only where DEMO or DEBUG is on)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.DEMO or settings.DEBUG):
            raise CommandError(
                "The demo's people have a password that everybody knows. Set DEMO=True in .env if you really want them."
            )
        add_demo_data()
        self.stdout.write("The demo data are there.")
