"""What every request needs before a view sees it."""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone, translation
from django.utils.translation import gettext

Handler = Callable[[HttpRequest], HttpResponse]


def set_page_headers(handle: Handler) -> Handler:
    """Tell the browser what no page of ours needs; a view that has set a header itself keeps it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = handle(request)
        for name, value in settings.PAGE_HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


def keep_out_of_caches(handle: Handler) -> Handler:
    """Let nobody keep what Django answers: after a logout “back” must show nothing. Static files are served before."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = handle(request)
        if "no-store" not in response.headers.get("Cache-Control", ""):
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def refuse_nul_bytes(handle: Handler) -> Handler:
    """Answer 400 to a NUL byte in the address: PostgreSQL refuses it in text, which would be a 500 deep in a page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return HttpResponseBadRequest(gettext("The address contains a character that is not allowed."))
        return handle(request)

    return middleware


def use_preferences(handle: Handler) -> Handler:
    """Show times in the user's zone, and pages in his language unless he chose another one in this browser."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return handle(request)
        if request.user.language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        with timezone.override(zoneinfo.ZoneInfo(request.user.time_zone)):
            return handle(request)

    return middleware
