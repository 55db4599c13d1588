"""A mailing's page as its report: how it stands in words, its sums, why letters failed, the last attempts and runs."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.moment import exactly, in_full, when
from mailings.models import Attempt, Delivery, Mailing, Run
from mailings.operations import NotShared, failures, is_unshared, rate, summary

LATEST_ATTEMPTS, LATEST_RUNS = 10, 5
MISSED = (Delivery.State.REFUSED, Delivery.State.UNKNOWN, Delivery.State.SUPPRESSED, Delivery.State.CANCELLED)


def report(user: User, mailing: Mailing) -> dict[str, Any]:
    runs = list(rate.with_pace(mailing.runs.select_related("mailing").order_by("-pk"))[:LATEST_RUNS])
    run = runs[0] if runs else None
    return {
        "status": mailing.status,
        "status_label": mailing.get_status_display(),
        "explanation": " ".join(filter(None, (explanation(mailing, run), objection(mailing)))),
        "progress_url": reverse("admin:mailings_mailing_progress", args=[mailing.pk]),
        "is_live": mailing.status in (Mailing.Status.SCHEDULED, Mailing.Status.RUNNING, Mailing.Status.PAUSED),
        "runs": runs,
        **(of_run(user, run) if run else {}),
    }


def of_run(user: User, run: Run) -> dict[str, Any]:
    attempts = Attempt.objects.visible_to(user).filter(run=run)
    return {
        "run": summary.progress(run),
        "failures": failures(attempts, run__id__exact=run.pk),
        "latest": latest(attempts),
        "links": links(run),
    }


def latest(attempts: Any) -> list[dict[str, str]]:
    """Describe the newest attempts as both the page and its JSON show them."""
    newest = attempts.select_related("delivery").order_by("-id")[:LATEST_ATTEMPTS]
    return [
        {
            "url": reverse("admin:mailings_attempt_change", args=[attempt.pk]),
            "time": exactly(attempt.made_at),
            "address": str(attempt.delivery),
            "outcome": attempt.outcome,
            "label": str(attempt.get_outcome_display()),
            "answer": attempt.answer[:120],
        }
        for attempt in newest
    ]


def links(run: Run) -> list[dict[str, Any]]:
    """Lead to the deliveries and attempts of the run, and to those who did not get it, by how that came."""
    deliveries = f"{reverse('admin:mailings_delivery_changelist')}?run__id__exact={run.pk}"
    missed = [
        {"url": f"{deliveries}&state__exact={state}", "label": f"{capfirst(state.label)}: {getattr(run, state)}"}
        for state in MISSED
        if getattr(run, state)
    ]
    return [
        {"url": deliveries, "label": _("All deliveries")},
        {"url": f"{reverse('admin:mailings_attempt_changelist')}?run__id__exact={run.pk}", "label": _("All attempts")},
        *missed,
    ]


def objection(mailing: Mailing) -> str:
    """Say what has to be mended before it can be launched, where its buttons say nothing of it."""
    is_lacking = mailing.status in Mailing.EDITABLE and is_unshared(mailing)
    return str(NotShared()) if is_lacking else ""


def explanation(mailing: Mailing, run: Run | None) -> str:
    """Say in a sentence why the mailing stands where it stands."""
    writers = {
        Mailing.Status.CREATED: lambda _mailing: gettext("A draft: nothing leaves until somebody launches it."),
        Mailing.Status.SCHEDULED: explain_schedule,
        Mailing.Status.PAUSED: explain_pause,
        Mailing.Status.SWITCHED_OFF: explain_switch_off,
    }
    writer = writers.get(Mailing.Status(mailing.status))
    return writer(mailing) if writer else explain_end(mailing, run)


def explain_schedule(mailing: Mailing) -> str:
    return gettext("Starts at %(time)s.") % {"time": in_full(mailing.next_send_at)} if mailing.next_send_at else ""


def explain_pause(mailing: Mailing) -> str:
    parts = [f"{capfirst(mailing.get_pause_reason_display())}.", mailing.pause_detail]
    if mailing.resume_at:
        parts.append(gettext("Resumes by itself at %(time)s.") % {"time": in_full(mailing.resume_at)})
    return " ".join(filter(None, parts))


def explain_switch_off(mailing: Mailing) -> str:
    values = {
        "who": mailing.switched_off_by,
        "time": when(mailing.switched_off_at),
        "why": mailing.switched_off_reason,
    }
    return (gettext("By %(who)s at %(time)s. %(why)s") % values).strip()


def explain_end(mailing: Mailing, run: Run | None) -> str:
    if mailing.status != Mailing.Status.COMPLETED:
        return ""
    if run is None:
        return gettext("Its window ended before it was launched.")
    missed = run.total - run.accepted
    text = ngettext("%(n)s recipient did not get it.", "%(n)s recipients did not get it.", missed)
    return text % {"n": missed} if missed else gettext("The mail server accepted it for everybody.")
