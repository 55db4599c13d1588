"""The gate of REQUIRE_2FA: whoever sees everybody's rows comes no further than the set-up of his second step."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import second_step
from accounts.access import person

Handler = Callable[[HttpRequest], HttpResponse]

STAY_OPEN = ("admin:second_step", "admin:login", "admin:login_code", "admin:logout")


def require_second_step(handle: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.REQUIRE_2FA and is_stopped(request):
            return redirect("admin:second_step")
        return handle(request)

    return middleware


def is_stopped(request: HttpRequest) -> bool:
    # Whatever is not the admin's is public and shows nothing of staff (mailings.tests.admin.test_addresses).
    if not request.path.startswith(reverse("admin:index")) or request.path in map(reverse, STAY_OPEN):
        return False
    return second_step.is_missing(person(request))
