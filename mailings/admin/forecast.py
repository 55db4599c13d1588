"""What a verb would do to a mailing, in sentences and numbers, before anybody says yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext

from accounts.moment import in_full, when
from mailings import operations
from mailings.models import Mailing, Worker
from mailings.operations import NotPossible, rate


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen to one mailing: a sentence, the number of recipients it touches, and what to know besides."""

    outcome: str
    count: int = 0
    is_possible: bool = True
    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


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
        warnings=warnings_of_launch(mailing, audience.recipients),
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
    values = {"people": people, "start": in_full(mailing.first_send_at), "end": when(mailing.finish_send_at)}
    if mailing.first_send_at > timezone.now():
        sentence = gettext("%(people)s; starts at %(start)s, ends by %(end)s at the latest.") % values
    else:
        sentence = gettext("%(people)s; starts at once, ends by %(end)s at the latest.") % values
    end = expected_end(mailing, count)
    if end is None or end > mailing.finish_send_at:
        return sentence
    return f"{sentence} " + gettext("At the usual rate it ends at %(time)s.") % {"time": when(end)}


def warnings_of_launch(mailing: Mailing, count: int) -> list[str]:
    sentences = [repeated_launch(mailing.runs.count()), short_window(mailing, count), silent_worker()]
    return [sentence for sentence in sentences if sentence]


def repeated_launch(earlier: int) -> str:
    if not earlier:
        return ""
    text = ngettext("It has been sent %(n)s time already.", "It has been sent %(n)s times already.", earlier)
    return text % {"n": earlier}


def short_window(mailing: Mailing, count: int) -> str:
    end = expected_end(mailing, count)
    if end is None or end <= mailing.finish_send_at:
        return ""
    return gettext("The window is too short: at the usual rate it would end at %(time)s.") % {"time": when(end)}


def silent_worker() -> str:
    if not Worker.objects.are_silent(timezone.now()):
        return ""
    return gettext("The worker does not answer: nothing leaves until it runs again.")


def expected_end(mailing: Mailing, count: int) -> datetime | None:
    """Foresee when everybody has been tried once, or None where nothing is known of the rate."""
    duration = rate.time_for(count)
    return max(mailing.first_send_at, timezone.now()) + duration if duration else None


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
