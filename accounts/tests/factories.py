"""People for tests."""

import itertools

from django.contrib.auth.models import Group

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
