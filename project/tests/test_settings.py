"""What the environment makes of the settings; each case reads them afresh, in a process of its own."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import make_user
from mailings.models import Suppression
from mailings.sending.token import seal
from mailings.tests.test_views import make_delivery

KEY = "kT4vYq0ZbX9mWn2LrD7sGf5HjP8cUa1oEi6RtB3yQwNxVzKdMu"
PRODUCTION = {
    "SITE_URL": "https://post.example.org",
    "ALLOWED_HOSTS": "post.example.org",
    "EMAIL_HOST": "smtp.example.org",
    "EMAIL_USE_TLS": "True",
    "EMAIL_HOST_USER": "post@example.org",
    "EMAIL_HOST_PASSWORD": "secret",
}


def run(*command, **changes):
    environment = {**os.environ, "READ_DOT_ENV": "0", "SECRET_KEY": KEY, "DEBUG": "False", **changes}
    return subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def read(*names, **changes):
    code = f"import json; from project import settings as s; print(json.dumps([getattr(s, n, None) for n in {names}]))"
    done = run("-c", code, **changes)
    assert done.returncode == 0, done.stderr
    return dict(zip(names, json.loads(done.stdout), strict=True))


class TestTheKey:
    @pytest.mark.parametrize("key", ["", "short", "django-insecure-" + "x" * 50, "changeme" * 10])
    def test_stops_the_start_when_it_is_missing_or_weak(self, key):
        done = run("-c", "from project import settings", SECRET_KEY=key)

        assert done.returncode == 1
        assert done.stderr.startswith("SECRET_KEY is")

    def test_may_have_had_others_before(self):
        assert read("SECRET_KEY_FALLBACKS", SECRET_KEY_FALLBACKS="old,older") == {
            "SECRET_KEY_FALLBACKS": ["old", "older"]
        }

    @pytest.mark.django_db
    def test_once_replaced_keeps_sessions_and_links_alive(self, client, settings):
        client.force_login(make_user("anna@staff.example"), backend="django.contrib.auth.backends.ModelBackend")
        link = reverse("unsubscribe", args=[seal(make_delivery().pk, settings.SECRET_KEY.encode())])

        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = KEY[::-1]

        assert client.get(reverse("admin:index")).status_code == 200
        assert (Browser().post(link).status_code, Suppression.objects.count()) == (200, 1)

    @pytest.mark.django_db
    def test_once_lost_ends_them(self, client, settings):
        client.force_login(make_user("anna@staff.example"), backend="django.contrib.auth.backends.ModelBackend")
        link = reverse("unsubscribe", args=[seal(make_delivery().pk, settings.SECRET_KEY.encode())])

        settings.SECRET_KEY = KEY[::-1]

        assert client.get(reverse("admin:index")).status_code == 302
        assert (Browser().post(link).status_code, Suppression.objects.count()) == (404, 0)


class TestHttps:
    COOKIES = tuple(
        f"{kind}_COOKIE_{rule}" for kind in ("SESSION", "CSRF", "LANGUAGE") for rule in ("SECURE", "HTTPONLY")
    )

    def test_makes_cookies_secure_and_insists_on_itself(self):
        names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")

        found = read(*self.COOKIES, *names, **PRODUCTION)

        assert {name for name in self.COOKIES if found[name] is not True} == set()
        assert [found[name] for name in names] == ["__Host-sessionid", "__Host-csrftoken", True, 3600]

    def test_is_not_asked_for_on_ones_own_machine(self):
        found = read(*self.COOKIES, "SESSION_COOKIE_NAME", "SECURE_SSL_REDIRECT", SITE_URL="http://127.0.0.1:8000")

        assert {name for name in self.COOKIES if found[name]} == {name for name in self.COOKIES if "HTTPONLY" in name}
        assert (found["SESSION_COOKIE_NAME"], found["SECURE_SSL_REDIRECT"]) == (None, False)


class TestTheMailPassword:
    @pytest.mark.parametrize("command", [("manage.py", "check"), ("manage.py", "run_huey")])
    def test_never_crosses_the_network_in_the_open(self, command):
        """The worker, which alone sends, does not start."""
        done = run(*command, **PRODUCTION | {"EMAIL_USE_TLS": "False"})

        assert done.returncode == 1
        assert "mailings.E002" in done.stderr

    def test_may_go_to_a_server_on_the_same_machine(self):
        done = run("manage.py", "check", **PRODUCTION | {"EMAIL_USE_TLS": "False", "EMAIL_HOST": "127.0.0.1"})

        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.django_db
class TestAFreshDatabase:
    def test_has_no_people(self):
        """Guardian would make an “AnonymousUser”, which would stand in the list of users."""
        assert User.objects.count() == 0
