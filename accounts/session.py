"""A session ends twelve hours after signing in, whatever is clicked meanwhile (Django counts anew at each change)."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone


def end_in_time(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
