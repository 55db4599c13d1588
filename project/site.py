"""The admin site: the home page, its JSON, and nothing that Django's own site would show to too many."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts.access import person
from accounts.profile import SecondStepView, profile
from accounts.views import CodeView, SignInView
from mailings.models import Worker
from mailings.operations import summary
from project import home


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
        return super().each_context(request) | {
            "demo": settings.DEMO,
            "is_worker_silent": Worker.objects.are_silent(timezone.now()),
        }

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, home.context(request) | (extra_context or {}))

    def running_view(self, request: HttpRequest) -> JsonResponse:
        """Answer open pages: what is under way, and whether they should soon look again."""
        scope = person(request), home.shows_everybody(request)
        now = timezone.now()
        return JsonResponse(
            {
                "running": summary.running(*scope),
                "is_soon": summary.is_soon(*scope, now),
                "is_worker_silent": Worker.objects.are_silent(now),
            }
        )
