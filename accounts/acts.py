"""What is done to people, in the words of the journal."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.journal import Act, Values


def with_roles(values: Values) -> Values:
    """Name roles in the reader's language."""
    return {when: ", ".join(map(gettext, names)) or gettext("none") for when, names in values.items()}


BLOCKED = Act(
    "blocked",
    _("blocked"),
    _(
        "Blocked: “%(reason)s”. Mailings paused: %(paused)s, switched off: %(switched_off)s. "
        "What others shared with him and he loses: %(shares)s."
    ),
)
UNBLOCKED = Act("unblocked", _("unblocked"), _("Unblocked."))
ROLE_CHANGED = Act("role_changed", _("another role"), _("Role before: %(before)s; now: %(after)s."), with_roles)
