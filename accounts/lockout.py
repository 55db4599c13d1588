"""The lock on the door: too many wrong tries for one login from one address close it for a while.

django-axes counts the tries; this names the address, says when the door opens again, writes the lock into the journal,
and keeps axes from keeping what a count does not need.
"""

from __future__ import annotations

import ipaddress
import logging
import math
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import journal, second_step
from accounts.models import User
from accounts.moment import clock

log = logging.getLogger(__name__)

LOCKED = journal.Act(
    "sign_in_locked",
    _("sign-in locked"),
    _("Sign-in locked for %(minutes)s min after %(tries)s wrong tries from %(address)s"),
)
LOCK_LIFTED = journal.Act("sign_in_lock_lifted", _("lock on sign-in lifted"), _("Lock on sign-in lifted"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


# --- Who asks --------------------------------------------------------------------------------------------------------


def client_address(request: HttpRequest) -> str | None:
    """Name the visitor by the last address that is not one of our own proxies'.

    Each proxy adds whom it heard, on the right; what stands further left the visitor may have made up.
    """
    found = parse(request.META.get("REMOTE_ADDR", ""))
    heard = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while heard and is_proxy(found):
        address = parse(heard.pop().strip())
        if address is None:
            break
        found = address
    return None if found is None else str(widened(found))


def parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_proxy(address: Address | None) -> bool:
    """Tell whether an address is one of TRUSTED_PROXIES. Without one it is a socket of this machine, so a proxy's."""
    networks = [each for each in map(network, settings.TRUSTED_PROXIES) if each is not None]
    return any(address is None or address in each for each in networks)


def network(text: str) -> Network | None:
    """Read an entry of TRUSTED_PROXIES. One that is none trusts nobody; `accounts.checks` says so."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def widened(address: Address) -> Address:
    """Take the 2⁶⁴ addresses that every IPv6 connection comes with for one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return ipaddress.ip_network((address, 64), strict=False).network_address


# --- What people are told --------------------------------------------------------------------------------------------


def locked_until(request: HttpRequest, login: str) -> datetime | None:
    """Say when a login may be tried again from where the request comes from; None is at once."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    # A row for each browser; its tries count until the last of them is old enough.
    rows = AccessAttempt.objects.filter(username=login, ip_address=client_address(request), attempt_time__gte=since)
    tries = list(rows.order_by("attempt_time").values_list("attempt_time", "failures_since_start"))
    count, until = sum(failures for _at, failures in tries), None
    for at, failures in tries:
        if count < settings.AXES_FAILURE_LIMIT:
            break
        until, count = at + settings.AXES_COOLOFF_TIME, count - failures
    return until


def is_locked(user: User) -> bool:
    """Tell whether the door is closed to this login from anywhere."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    rows = AccessAttempt.objects.filter(username=user.email, attempt_time__gte=since)
    counts = rows.order_by().values("ip_address").annotate(count=Sum("failures_since_start"))
    return bool(counts.filter(count__gte=settings.AXES_FAILURE_LIMIT).exists())


def sentence(until: datetime) -> str:
    minutes = max(1, math.ceil((until - timezone.now()).total_seconds() / 60))
    text = ngettext(
        "Too many wrong tries. Try again in %(minutes)s minute, at %(time)s.",
        "Too many wrong tries. Try again in %(minutes)s minutes, at %(time)s.",
        minutes,
    )
    return text % {"minutes": minutes, "time": clock(until)}


def answer(request: HttpRequest, response: HttpResponse, credentials: Any) -> HttpResponse:
    """Give axes our own page, on which the form has said it all, under the status for too many tries."""
    response.status_code = 429
    return response


# --- What is kept ----------------------------------------------------------------------------------------------------


def keep_no_form(sender: Any, instance: AccessAttempt, **kwargs: Any) -> None:
    """Leave out what was posted: axes would keep every field but the password's, and add to it with every try."""
    instance.get_data = instance.post_data = ""


def write_down(sender: Any, request: HttpRequest, username: str, ip_address: str | None, **kwargs: Any) -> None:
    """Write a line of the journal when the door closes; not for each further try at the closed one."""
    if getattr(request, "axes_failures_since_start", None) is None:
        return
    user = User.objects.filter(email=username).first()
    if user is None:
        log.warning("sign-in is locked for a login that nobody has")
        return
    minutes, tries = settings.AXES_COOLOFF_TIME.seconds // 60, settings.AXES_FAILURE_LIMIT
    journal.write(user, user, LOCKED(minutes=minutes, tries=tries, address=ip_address or "?"))


def lift(user: User) -> bool:
    """Open the door again, from everywhere and for the second step too.

    :return: whether there was anything to forget.
    """
    had_to_wait = second_step.forget_failures(user)
    return bool(reset(username=user.email)) or had_to_wait


def forget_old() -> None:
    AccessAttempt.objects.filter(attempt_time__lt=timezone.now() - settings.AXES_COOLOFF_TIME).delete()
