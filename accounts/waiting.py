"""Somebody whose password was right and whose code is still to come: noted in the session, and not yet in."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.models import User

KEY = "waiting_for_code"
SECONDS = 5 * 60


@dataclass(frozen=True, slots=True)
class Waiting:
    user_id: int
    # The password's and the session version's, as they were: a block or a new password in between ends the waiting.
    auth_hash: str
    backend: str
    next_url: str
    until: float


def begin(request: HttpRequest, user: User, next_url: str) -> None:
    request.session.cycle_key()
    entry = Waiting(user.pk, user.get_session_auth_hash(), user.backend, next_url, time.time() + SECONDS)
    request.session[KEY] = asdict(entry)


def find(request: HttpRequest) -> tuple[User, Waiting] | None:
    entry = Waiting(**request.session[KEY]) if KEY in request.session else None
    if entry is None or entry.until < time.time():
        return None
    user = User.objects.filter(pk=entry.user_id, is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), entry.auth_hash):
        return None
    return user, entry


def end(request: HttpRequest) -> None:
    request.session.pop(KEY, None)
