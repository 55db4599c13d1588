"""The home page: what is going on, what waits for a person, how it went. From counters and sums, so that it costs the
same at a thousand and at ten million attempts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from accounts.access import person, sees_all
from accounts.models import User
from accounts.moment import from_now, in_full, zone_in_words
from mailings.models import Attempt, Client, ImportJob, MailAccount, Mailing, Message, Run
from mailings.operations import failures, summary
from mailings.sending.pace import DAY, HOUR, Limits
from project.chart import chart_of

RANGES = (7, 30, 90)
# From here on people should know that the mail account's share of the hour or the day runs out.
NEARLY = 0.8


def shows_everybody(request: HttpRequest) -> bool:
    """Show everybody's figures to those who see all, unless they ask for their own."""
    return sees_all(person(request), Mailing) and request.GET.get("scope") != "own"


def chosen_range(request: HttpRequest) -> int:
    value = request.GET.get("days", "")
    return int(value) if value in map(str, RANGES) else 30


def context(request: HttpRequest) -> dict[str, Any]:
    user, everybody, now = person(request), shows_everybody(request), timezone.now()
    days = summary.days(user, everybody, chosen_range(request), now)
    totals = summary.totals(user, everybody)
    scope = "all" if everybody else "own"
    return {
        "scope": scope,
        "may_see_all": sees_all(user, Mailing),
        "totals": totals,
        "running": summary.running(user, everybody),
        "running_url": f"{reverse('admin:running')}?scope={scope}",
        "upcoming": [planned(mailing) for mailing in summary.upcoming(user, everybody)],
        "attention": attention(user, everybody, now),
        "days": days,
        "chart": chart_of(days),
        "range": len(days),
        "ranges": RANGES,
        "zone": zone_in_words(now),
        "failures": reasons(user, everybody),
        "is_first_time": user.has_perm("mailings.add_client") and not totals["mailings"],
        "steps": first_steps(user),
        "recent": LogEntry.objects.filter(user=user.pk).select_related("content_type")[:6],
    }


def planned(mailing: Mailing) -> dict[str, Any]:
    return {"title": mailing.title, "url": page_of(mailing), "at": mailing.next_send_at}


def page_of(mailing: Mailing) -> str:
    return reverse("admin:mailings_mailing_change", args=[mailing.pk])


def reasons(user: User, everybody: bool) -> Any:
    attempts = summary.scope(Attempt, user, everybody)
    # Whoever sees all has to be led to a list that is narrowed to his own.
    own_only = {} if everybody or not sees_all(user, Attempt) else {"owner": user.pk}
    return failures(attempts, **own_only)


# --- What waits for a person -----------------------------------------------------------------------------------------


def attention(user: User, everybody: bool, now: datetime) -> list[dict[str, str]]:
    """List what stands still, what did not reach everybody, what was not loaded and what runs out."""
    return [
        *map(about_pause, summary.paused(user, everybody)),
        *map(about_run, summary.incomplete(user, everybody, now)),
        *map(about_import, summary.wrong_imports(user, everybody, now)),
        *about_quota(now),
    ]


def about_pause(mailing: Mailing) -> dict[str, str]:
    values = {"title": mailing.title, "why": mailing.get_pause_reason_display()}
    text = gettext("“%(title)s” stands still: %(why)s.") % values
    more = gettext("Resumes by itself at %(time)s.") % {"time": in_full(mailing.resume_at)} if mailing.resume_at else ""
    return {"text": text, "more": more, "url": page_of(mailing)}


def about_run(run: Run) -> dict[str, str]:
    missed = run.refused + run.unknown
    text = ngettext(
        "“%(title)s” did not reach %(n)s recipient.", "“%(title)s” did not reach %(n)s recipients.", missed
    ) % {"title": run.mailing.title, "n": missed}
    more = from_now(run.finished_at) if run.finished_at else ""
    return {"text": text, "more": more, "url": page_of(run.mailing)}


def about_import(job: ImportJob) -> dict[str, str]:
    if job.status == ImportJob.Status.FAILED:
        text = gettext("The import of %(file)s failed.") % {"file": job.file_name}
    else:
        text = ngettext(
            "%(n)s row of %(file)s was not loaded.", "%(n)s rows of %(file)s were not loaded.", job.wrong
        ) % {"n": job.wrong, "file": job.file_name}
    url = reverse("admin:mailings_importjob_change", args=[job.pk])
    return {"text": text, "more": from_now(job.created_at), "url": url}


def about_quota(now: datetime) -> list[dict[str, str]]:
    """Warn of the account's share of an hour or a day that is nearly used up; shorter ones are full all the time."""
    limits = Limits.parse(settings.SENDING_LIMITS).by_period()
    used = [
        (limits[period], account.sent_within(period, now), period)
        for account in MailAccount.objects.all()[:1]
        for period in (HOUR, DAY)
        if period in limits
    ]
    return [
        {"text": quota_words(period) % {"used": sent, "limit": limit}, "more": "", "url": ""}
        for limit, sent, period in used
        if sent >= NEARLY * limit
    ]


def quota_words(period: int) -> str:
    if period == HOUR:
        return gettext("The mail account has sent %(used)s of its %(limit)s letters an hour.")
    return gettext("The mail account has sent %(used)s of its %(limit)s letters a day.")


def first_steps(user: User) -> list[dict[str, Any]]:
    """List the three steps of somebody who begins, with those done ticked off."""
    steps = (
        (gettext("Import clients"), "admin:mailings_client_import", Client),
        (gettext("Write a message"), "admin:mailings_message_add", Message),
        (gettext("Launch a mailing"), "admin:mailings_mailing_add", Mailing),
    )
    return [
        {"title": title, "url": reverse(name), "is_done": model.objects.owned_by(user).exists()}
        for title, name, model in steps
    ]
