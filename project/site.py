"""The admin site: the home page, its JSON, and nothing that Django's own site would show to too many."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts.access import person, sees_all
from accounts.profile import SecondStepView, profile
from accounts.views import CodeView, SignInView
from mailings.models import Client, Mailing, Message, Worker
from mailings.operations import summary

RANGES = (7, 30, 90)


class PostroomSite(admin.AdminSite):
    site_header = "Postroom"
    site_title = "Postroom"
    index_title = _("Overview")
    index_template = "admin/dashboard.html"
    site_url = None
    empty_value_display = "—"
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add the home page's JSON; drop the redirect by content type, which answers for any row of any model."""
        kept = [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]
        ours = [
            path("running.json", self.admin_view(self.running_view), name="running"),
            path("profile/", self.admin_view(profile), name="profile"),
            path("profile/two-step/", self.admin_view(SecondStepView.as_view()), name="second_step"),
            path("login/code/", CodeView.as_view(), name="login_code"),
        ]
        return [*ours, *kept]

    @method_decorator([never_cache, login_not_required])
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Ask for the password on our own page, which knows of the second step."""
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        context = self.each_context(request) | {"title": _("Sign in"), "app_path": request.get_full_path()}
        return cast("HttpResponse", SignInView.as_view(extra_context=context | (extra_context or {}))(request))

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        # Imported here: the admin package registers its pages with the very site that this module defines.
        from accounts.admin.choice import ChoicesView  # noqa: PLC0415

        return cast("HttpResponse", ChoicesView.as_view(admin_site=self)(request))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"demo": settings.DEMO}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, home_context(request) | (extra_context or {}))

    def running_view(self, request: HttpRequest) -> JsonResponse:
        response = JsonResponse({"running": summary.running(person(request), shows_everybody(request))})
        response["Cache-Control"] = "no-store"
        return response


def shows_everybody(request: HttpRequest) -> bool:
    """Show everybody's figures to those who see all, unless they ask for their own."""
    return sees_all(person(request), Mailing) and request.GET.get("scope") != "own"


def chosen_range(request: HttpRequest) -> int:
    value = request.GET.get("days", "")
    return int(value) if value in map(str, RANGES) else 30


def home_context(request: HttpRequest) -> dict[str, Any]:
    user, everybody, now = person(request), shows_everybody(request), timezone.now()
    count = chosen_range(request)
    days = summary.days(user, everybody, count, now)
    totals = summary.totals(user, everybody)
    return {
        "scope": "all" if everybody else "own",
        "may_see_all": sees_all(user, Mailing),
        "totals": totals,
        "running": summary.running(user, everybody),
        "running_url": f"{reverse('admin:running')}?scope={'all' if everybody else 'own'}",
        "upcoming": [
            link(mailing) | {"next_send_at": mailing.next_send_at} for mailing in summary.upcoming(user, everybody)
        ],
        "attention": [attention(mailing) for mailing in summary.in_need(user, everybody)],
        "days": days,
        "chart": {
            "labels": [f"{row['day']:%d.%m}" for row in days],
            "accepted": [row["accepted"] for row in days],
            "failed": [row["failed"] for row in days],
        },
        "range": count,
        "ranges": RANGES,
        "zone": timezone.get_current_timezone_name(),
        "is_worker_silent": not Worker.objects.alive(now).exists(),
        "is_first_time": user.has_perm("mailings.add_client") and not totals["mailings"],
        "steps": first_steps(user),
        "recent": LogEntry.objects.filter(user=user.pk).select_related("content_type")[:6],
    }


def link(mailing: Mailing) -> dict[str, Any]:
    return {"title": mailing.title, "url": reverse("admin:mailings_mailing_change", args=[mailing.pk])}


def attention(mailing: Mailing) -> dict[str, Any]:
    values = {"title": mailing.title, "why": mailing.get_pause_reason_display()}
    return {"text": gettext("“%(title)s” stands still: %(why)s.") % values, "url": link(mailing)["url"]}


def first_steps(user: Any) -> list[dict[str, Any]]:
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
