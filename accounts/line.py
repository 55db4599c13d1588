"""A text that has to stand on one line and read as it is written: a name, a title, a subject."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# C0, C1, the line and paragraph separators, and the marks that turn the direction of what is read.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def validate_no_control(value: str) -> None:
    """:raises ValidationError: a control character or a bidirectional override, which could forge a mail header."""
    if CONTROL.search(value):
        raise ValidationError(_("This contains a line break or a control character. Remove it."))
