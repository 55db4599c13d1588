"""What every answer tells the browser, and what a page may do in it."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from accounts.tests.factories import make_user
from project.middleware import set_page_headers

pytestmark = pytest.mark.django_db


def policy(response):
    """Read the directives of an answer's Content-Security-Policy."""
    return dict(part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))


class TestEveryAnswer:
    @pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/nowhere/", "/u/forged/", "/healthz", "/?x=%00"])
    def test_shuts_every_window_it_can(self, client, path):
        headers = client.get(path).headers

        assert {name: headers.get(name) for name in ("X-Frame-Options", "X-Content-Type-Options")} == {
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
        }
        assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
        assert "camera=()" in headers["Permissions-Policy"]
        assert "no-store" in headers["Cache-Control"]

    def test_allows_our_own_files_and_nothing_inline(self, client):
        found = policy(client.get("/admin/login/"))

        assert found.pop("img-src") == "'self' data:"
        assert {name for name, sources in found.items() if sources == "'none'"} == {
            "default-src",
            "base-uri",
            "frame-ancestors",
        }
        assert set(found.values()) == {"'self'", "'none'"}

    def test_keeps_what_a_view_has_set(self):
        handle = set_page_headers(lambda request: HttpResponse(headers={"Content-Security-Policy": "sandbox"}))

        assert handle(RequestFactory().get("/"))["Content-Security-Policy"] == "sandbox"


class TestAStaticFile:
    def test_is_shut_as_well_and_may_be_kept(self, client, settings, tmp_path):
        """A picture opened by itself is a page: an SVG could hold a script."""
        settings.STATIC_ROOT = tmp_path
        (tmp_path / "x.svg").write_text("<svg/>")

        response = client.get("/static/x.svg")

        assert (response.status_code, policy(response)["script-src"]) == (200, "'self'")
        assert "no-store" not in response["Cache-Control"]


class TestAPageOfStaff:
    @pytest.mark.parametrize(
        "name", ["index", "mailings_client_changelist", "jsi18n", "running", "password_change_done"]
    )
    def test_is_kept_by_no_cache(self, client, name):
        client.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")

        assert "no-store" in client.get(reverse(f"admin:{name}"))["Cache-Control"]


class TestWhatIsStillToBeSaid:
    def test_ends_with_the_session(self, client):
        """Django's default keeps it in a cookie, which the next person at this browser would read on the login page."""
        client.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")

        response = client.get("/admin/mailings/client/987654321/change/")
        client.post(reverse("admin:logout"))
        shown = client.get(reverse("admin:login")).content.decode()

        assert "messages" not in response.cookies
        assert "987654321" not in shown


class TestAFrame:
    def test_of_ours_is_opened_by_nobody(self, client):
        assert policy(client.get("/admin/login/"))["frame-ancestors"] == "'none'"
