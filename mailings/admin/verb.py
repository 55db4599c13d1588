"""What can be done to a mailing, each with what a person must know before he says yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from accounts.journal import Act, Line
from mailings import acts, operations, tasks
from mailings.admin.evidence import Evidence, evidence_of_launch
from mailings.admin.forecast import Forecast, forecast_launch, forecast_retry, forecast_status
from mailings.models import Delivery, Mailing


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    label: Promise
    question: Promise
    button: Callable[[int], str]
    forecast: Callable[[Mailing], Forecast]
    act: Callable[[HttpRequest, Mailing, str], Line]
    needs: str = "control"
    asks_reason: bool = False
    is_dangerous: bool = False
    # What the confirmation shows besides; it is not asked for where a forecast alone will do.
    evidence: Callable[[Mailing], Evidence] | None = None


# --- Launch ----------------------------------------------------------------------------------------------------------


def act_launch(request: HttpRequest, mailing: Mailing, reason: str) -> Line:
    run = operations.launch(mailing.pk, person(request))
    if run is None:
        return acts.SCHEDULED(time=mailing.first_send_at.isoformat())
    tasks.wake(run.pk)
    return acts.LAUNCHED(n=run.total)


def button_launch(count: int) -> str:
    return ngettext("Launch %(n)s letter", "Launch %(n)s letters", count) % {"n": count}


# --- Pause, resume, switch off ---------------------------------------------------------------------------------------


def act_pause(request: HttpRequest, mailing: Mailing, reason: str) -> Line:
    operations.pause(mailing.pk)
    return acts.PAUSED()


def act_resume(request: HttpRequest, mailing: Mailing, reason: str) -> Line:
    tasks.wake(*operations.resume(mailing.pk))
    return acts.RESUMED()


def act_switch_off(request: HttpRequest, mailing: Mailing, reason: str) -> Line:
    count = operations.switch_off(mailing.pk, person(request), reason)
    return acts.SWITCHED_OFF(n=count, reason=reason)


# --- Send again ------------------------------------------------------------------------------------------------------


def act_retry(state: str, act: Act) -> Callable[[HttpRequest, Mailing, str], Line]:
    def retry(request: HttpRequest, mailing: Mailing, reason: str) -> Line:
        count = operations.retry(mailing.pk, [state])
        tasks.wake(*mailing.runs.unfinished().values_list("pk", flat=True))
        return act(n=count)

    return retry


def button_retry(count: int) -> str:
    return ngettext("Send again to %(n)s recipient", "Send again to %(n)s recipients", count) % {"n": count}


Status = Mailing.Status

LAUNCH = Verb(
    "launch",
    _("Launch…"),
    _("Launch the mailing?"),
    button_launch,
    forecast_launch,
    act_launch,
    evidence=evidence_of_launch,
)
PAUSE = Verb(
    "pause",
    _("Pause…"),
    _("Pause the mailing?"),
    lambda count: gettext("Pause"),
    forecast_status(_("Nothing more leaves until it is resumed."), Status.RUNNING, Status.SCHEDULED),
    act_pause,
)
RESUME = Verb(
    "resume",
    _("Resume…"),
    _("Resume the mailing?"),
    lambda count: gettext("Resume"),
    forecast_status(_("It goes on where it stopped; nobody gets it twice."), Status.PAUSED),
    act_resume,
)
SWITCH_OFF = Verb(
    "switch_off",
    _("Switch off…"),
    _("Switch the mailing off for good?"),
    lambda count: gettext("Switch off"),
    forecast_status(
        _("It ends now and cannot be restarted, only copied."),
        Status.CREATED,
        Status.SCHEDULED,
        Status.RUNNING,
        Status.PAUSED,
    ),
    act_switch_off,
    needs="switch_off",
    asks_reason=True,
    is_dangerous=True,
)
RETRY_FAILED = Verb(
    "retry_failed",
    _("Retry failed…"),
    _("Send it again to those whom the mail server refused?"),
    button_retry,
    forecast_retry(Delivery.State.REFUSED),
    act_retry(Delivery.State.REFUSED, acts.RETRIED),
)
RETRY_UNKNOWN = Verb(
    "retry_unknown",
    _("Send again to unknown…"),
    _("Send it again to those of whom nobody knows whether they got it? Some of them may get it twice."),
    button_retry,
    forecast_retry(Delivery.State.UNKNOWN),
    act_retry(Delivery.State.UNKNOWN, acts.RETRIED_UNKNOWN),
    is_dangerous=True,
)
VERBS = {verb.name: verb for verb in (LAUNCH, PAUSE, RESUME, SWITCH_OFF, RETRY_FAILED, RETRY_UNKNOWN)}
