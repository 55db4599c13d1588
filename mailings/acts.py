"""What people do to mailings and client lists, and what goes with them, in the words of the journal."""

from __future__ import annotations

from django.apps import apps
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.journal import Act, Values
from accounts.moment import when
from mailings.models import Level


def with_level(values: Values) -> Values:
    """Name the level and, where it is a role, the group in the reader's language."""
    model = apps.get_model("mailings", values["model"])
    return {"whom": gettext(values["whom"]), "rights": Level(values["level"]).in_words(model)}


def with_whom(values: Values) -> Values:
    return {"whom": gettext(values["whom"])}


def with_time(values: Values) -> Values:
    """Write the time on the reader's clock."""
    return values | {"time": when(parse_datetime(values["time"]))}


LAUNCHED = Act(
    "launched", _("launched"), ngettext_lazy("Launched: %(n)s recipient.", "Launched: %(n)s recipients.", "n")
)
SCHEDULED = Act("scheduled", _("scheduled"), _("Scheduled: starts at %(time)s."), with_time)
PAUSED = Act("paused", _("paused"), _("Paused. Letters on their way are still answered."))
RESUMED = Act("resumed", _("resumed"), _("Resumed."))
SWITCHED_OFF = Act(
    "switched_off",
    _("switched off"),
    ngettext_lazy(
        "Switched off: %(n)s recipient does not get it. %(reason)s",
        "Switched off: %(n)s recipients do not get it. %(reason)s",
        "n",
    ),
)
RETRIED = Act(
    "retried",
    _("sent again to the refused"),
    ngettext_lazy("Sent again to %(n)s recipient.", "Sent again to %(n)s recipients.", "n"),
)
RETRIED_UNKNOWN = Act(
    "retried_unknown",
    _("sent again to the unknown"),
    ngettext_lazy(
        "Sent again to %(n)s recipient of whom nobody knew whether he had got it.",
        "Sent again to %(n)s recipients of whom nobody knew whether they had got it.",
        "n",
    ),
)
COPIED = Act("copied", _("copied"), _("Copied from “%(title)s”."))
TESTED = Act("tested", _("test letter sent"), _("Test letter to %(address)s."))
IMPORTED = Act(
    "imported",
    _("clients imported"),
    _("Imported clients: %(new)s new, %(changed)s changed, %(rejected)s left out of %(rows)s rows."),
)
IMPORT_STOPPED = Act(
    "import_stopped",
    _("import stopped"),
    ngettext_lazy("Stopped: %(n)s row was not loaded.", "Stopped: %(n)s rows were not loaded.", "n"),
)
IMPORT_UNDONE = Act(
    "import_undone",
    _("import undone"),
    _("Import undone: %(removed)s clients removed, %(restored)s restored, %(kept)s kept."),
)
SHARED = Act("shared", _("shared"), _("Shared with %(whom)s: %(rights)s."), with_level)
WITHDRAWN = Act("withdrawn", _("share taken back"), _("Taken back from %(whom)s."), with_whom)
TRANSFERRED = Act(
    "transferred",
    _("given to another owner"),
    _(
        "From %(before)s to %(after)s, with all that belongs together: client lists %(lists)s, clients %(clients)s, "
        "messages %(messages)s, mailings %(mailings)s."
    ),
)
