"""What the launch's confirmation shows besides numbers: the first letters as they will be, and what is odd in them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from mailings import operations
from mailings.models import Mailing
from mailings.operations.preview import Preview, contents, letters_of, preview
from mailings.operations.recipients import mailable

LETTERS = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    mailing: Mailing
    warnings: list[str]

    def letters(self) -> list[Preview]:
        """Write the letters of the first recipients; none where none can be made, which a warning says."""
        mailing = self.mailing
        try:
            letters = letters_of(contents(mailing.message), mailing.owner, mailing.pk)
            return [preview(letters, client) for client in mailable(mailing).order_by("pk")[:LETTERS]]
        except ValueError:
            return []


def evidence_of_launch(mailing: Mailing) -> Evidence:
    clients = mailable(mailing)
    found = operations.warnings(mailing.message, clients)
    sentences = [str(check) for check in found]
    if found and any(check.level == "fault" for check in found):
        sentences.insert(0, gettext("As it stands, the mailing pauses at once: its message has faults."))
    return Evidence(mailing, sentences)
