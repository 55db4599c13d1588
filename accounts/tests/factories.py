"""People for tests."""

import itertools
import time

from django.contrib.auth.models import Group
from django_otp.oath import TOTP

from accounts import second_step
from accounts.models import User
from accounts.roles import MANAGER, USER

PASSWORD = "a-long-pass-phrase-7"
_numbers = itertools.count(1)


def make_user(email="", role=USER, **fields):
    user = User.objects.create_user(email or f"user{next(_numbers)}@staff.example", PASSWORD, **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_manager(email=""):
    return make_user(email, role=MANAGER)


def make_superuser(email=""):
    return make_user(email, role=None, is_superuser=True)


def with_second_step(user):
    """Switch the second step on for a user; return the key and the recovery codes."""
    key = second_step.new_key()
    changed, _device, codes = second_step.switch_on(user.pk, key, app_code(key))
    user.session_version = changed.session_version
    return key, codes


def app_code(key, steps=0):
    """Say what an app with this key shows, now or so many steps of thirty seconds later."""
    totp = TOTP(bytes.fromhex(key))
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06d}"
