"""What can be done to a mailing, each with what a person must know before he says yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from accounts.journal import Act, Line
from accounts.moment import when
from mailings import acts, operations, tasks
from mailings.models import Delivery, Mailing
from mailings.operations import NotPossible


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen to one mailing: a sentence, the number of recipients it touches, and what to know besides."""

    outcome: str
    count: int = 0
    is_possible: bool = True
    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


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


# --- Launch ----------------------------------------------------------------------------------------------------------


def forecast_launch(mailing: Mailing) -> Forecast:
    objection = objection_to_launch(mailing)
    if objection:
        return Forecast(objection, is_possible=False)
    audience = operations.audience(mailing)
    left_out = [
        (audience.suppressed, gettext("suppressed addresses")),
        (audience.excluded, gettext("on an excluded list")),
        (audience.repeated, gettext("repeated addresses")),
    ]
    return Forecast(
        outcome=sentence_of_launch(mailing, audience.recipients),
        count=audience.recipients,
        is_possible=audience.recipients > 0,
        left_out=[f"{count} — {cause}" for count, cause in left_out if count],
        warnings=warnings_of_launch(mailing),
    )


def objection_to_launch(mailing: Mailing) -> str:
    try:
        operations.refuse_unlaunchable(mailing, timezone.now())
    except NotPossible as error:
        return str(error)
    if mailing.status == Mailing.Status.SCHEDULED and mailing.first_send_at > timezone.now():
        return gettext("It is scheduled already and starts at %(time)s.") % {"time": when(mailing.first_send_at)}
    return ""


def sentence_of_launch(mailing: Mailing, count: int) -> str:
    if not count:
        return str(operations.NoRecipients())
    people = ngettext("%(n)s recipient", "%(n)s recipients", count) % {"n": count}
    values = {"people": people, "start": when(mailing.first_send_at), "end": when(mailing.finish_send_at)}
    if mailing.first_send_at > timezone.now():
        return gettext("%(people)s; starts at %(start)s, ends by %(end)s at the latest.") % values
    return gettext("%(people)s; starts at once, ends by %(end)s at the latest.") % values


def warnings_of_launch(mailing: Mailing) -> list[str]:
    earlier = mailing.runs.count()
    if not earlier:
        return []
    return [
        ngettext("It has been sent %(n)s time already.", "It has been sent %(n)s times already.", earlier)
        % {"n": earlier}
    ]


def act_launch(request: HttpRequest, mailing: Mailing, reason: str) -> Line:
    run = operations.launch(mailing.pk, person(request))
    if run is None:
        return acts.SCHEDULED(time=mailing.first_send_at.isoformat())
    tasks.wake(run.pk)
    return acts.LAUNCHED(n=run.total)


def button_launch(count: int) -> str:
    return ngettext("Launch %(n)s letter", "Launch %(n)s letters", count) % {"n": count}


# --- Pause, resume, switch off ---------------------------------------------------------------------------------------


def waiting_of(mailing: Mailing) -> int:
    return sum(run.undecided for run in mailing.runs.unfinished())


def forecast_status(sentence: Promise, *allowed: str) -> Callable[[Mailing], Forecast]:
    """Forecast a verb that is possible in some states only and touches whoever still waits."""

    def forecast(mailing: Mailing) -> Forecast:
        if mailing.status not in allowed:
            status = mailing.get_status_display()
            return Forecast(
                gettext("Not possible: its status is “%(status)s”.") % {"status": status}, is_possible=False
            )
        count = waiting_of(mailing)
        waiting = gettext("Recipients still waiting: %(n)s.") % {"n": count}
        return Forecast(f"{sentence} {waiting}", count)

    return forecast


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


def forecast_retry(state: str) -> Callable[[Mailing], Forecast]:
    def forecast(mailing: Mailing) -> Forecast:
        try:
            operations.refuse_retry(mailing)
        except NotPossible as error:
            return Forecast(str(error), is_possible=False)
        count = operations.failed(mailing, [state]).count()
        text = ngettext("%(n)s recipient is tried again.", "%(n)s recipients are tried again.", count)
        return Forecast(text % {"n": count}, count, is_possible=count > 0)

    return forecast


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
