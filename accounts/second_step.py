"""Two-step sign-in: after the password a code from an app, or a recovery code, which works once.

django-otp keeps the key and slows down guessing. Recovery codes are kept as digests, so nobody reads them later; with
80 bits they are too long for a digest without salt to be turned back. A session of somebody with a second step has
always passed it: switching it on ends all the others.
"""

from __future__ import annotations

import re
from base64 import b32encode
from datetime import datetime
from hashlib import sha256
from os import urandom
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

from accounts import journal
from accounts.models import User
from accounts.roles import MANAGER

ON = journal.Act("second_step_on", _("two-step sign-in switched on"), _("Two-step sign-in switched on"))
OFF = journal.Act("second_step_off", _("two-step sign-in switched off"), _("Two-step sign-in switched off"))
RENEWED = journal.Act("recovery_codes_renewed", _("new recovery codes"), _("New recovery codes made"))
RESET = journal.Act("second_step_reset", _("two-step sign-in reset"), _("Two-step sign-in reset, sessions ended"))

RECOVERY_CODES = 10


class WrongCode(Exception):
    """The code fits nothing, or was used before."""


class TooSoon(Exception):
    """After wrong codes one has to wait, each time twice as long; `args[0]` says until when."""

    @property
    def until(self) -> datetime:
        until: datetime = self.args[0]
        return until


class SwitchedOnAlready(Exception):
    """There is a second step; a second app would be a second door."""


def is_on(user: User) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def is_missing(user: User) -> bool:
    """Tell whether somebody who must have a second step is in without one. Costs no query for those who passed it."""
    if not user.is_active or getattr(user, "otp_device", None) is not None:
        return False
    return user.is_superuser or user.groups.filter(name=MANAGER).exists()


def new_key() -> str:
    key: str = default_key()
    return key


def app_address(user: User, key: str) -> str:
    """Write what an app reads from the QR code."""
    address: str = TOTPDevice(user=user, key=key).config_url
    return address


def readable(key: str) -> str:
    """Write a key as people type it into an app: base32 in groups of four."""
    return in_groups(b32encode(bytes.fromhex(key)).decode().rstrip("="), " ")


@transaction.atomic
def switch_on(user_id: int, key: str, code: str) -> tuple[User, Any, list[str]]:
    """Switch the second step on; the code proves that the app has the key. Ends all sessions.

    :return: the user as he is now, the device to put into the session that shall go on, and the recovery codes.
    :raises WrongCode: the app shows another code, or its clock is wrong.
    :raises SwitchedOnAlready: by another window.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if is_on(user):
        raise SwitchedOnAlready
    device = TOTPDevice.objects.create(user=user, name="app", key=key)
    if not device.verify_token(code):
        raise WrongCode
    user.end_sessions()
    return user, device, renew_recovery_codes(user)


@transaction.atomic
def renew_recovery_codes(user: User) -> list[str]:
    """Make new recovery codes; those of before are worth nothing any more."""
    device, _is_new = StaticDevice.objects.get_or_create(user=user, defaults={"name": "recovery"})
    codes = [b32encode(urandom(10)).decode().lower() for _number in range(RECOVERY_CODES)]
    device.token_set.all().delete()
    StaticToken.objects.bulk_create(StaticToken(device=device, token=digest(code)) for code in codes)
    return [in_groups(code, "-") for code in codes]


def recovery_codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def check(user: User, text: str) -> Any:
    """Accept a code, once.

    :return: the device that the code belongs to.
    :raises WrongCode: see there.
    :raises TooSoon: see there; the code was not looked at.
    """
    code = re.sub(r"[\s-]", "", text).lower()
    if re.fullmatch(r"[0-9]{6}", code):
        device = verified(TOTPDevice, user, code)
    else:
        device = verified(StaticDevice, user, digest(code))
    if device is None:
        raise WrongCode
    return device


@transaction.atomic
def verified(model: Any, user: User, token: str) -> Any:
    """:raises TooSoon: see there. A wrong code raises nothing here: its count must outlive this transaction."""
    device = model.objects.select_for_update().filter(user=user, confirmed=True).first()
    if device is None:
        return None
    is_allowed, facts = device.verify_is_allowed()
    if not is_allowed:
        raise TooSoon(facts["locked_until"])
    return device if device.verify_token(token) else None


@transaction.atomic
def switch_off(user: User) -> None:
    for model in (TOTPDevice, StaticDevice):
        model.objects.filter(user=user).delete()


@transaction.atomic
def reset(user: User) -> bool:
    """Take the second step from somebody who lost his app, and end his sessions: who knows who has it now.

    :return: whether there was one.
    """
    was_on = is_on(user)
    switch_off(user)
    user.end_sessions()
    return was_on


def forget_failures(user: User) -> bool:
    """Let the next code be looked at without waiting.

    :return: whether there was anything to wait for.
    """
    count = 0
    for model in (TOTPDevice, StaticDevice):
        waiting = model.objects.filter(user=user, throttling_failure_count__gt=0)
        count += waiting.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    return count > 0


def digest(code: str) -> str:
    return b32encode(sha256(code.encode()).digest()).decode().lower()[:16]


def in_groups(text: str, by: str) -> str:
    return by.join(text[start : start + 4] for start in range(0, len(text), 4))


def is_recovery(device: Any) -> bool:
    return isinstance(device, StaticDevice)
