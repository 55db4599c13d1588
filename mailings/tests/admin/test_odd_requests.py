"""Requests that nobody makes by accident are answered in words: what PostgreSQL or Python would choke on included."""

import pytest
from django.core.files.base import ContentFile
from django.test import Client as Browser

from mailings.models import Attachment
from mailings.tests.factories import make_message, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]

CLIENTS = "/admin/mailings/client/"


@pytest.fixture
def browser():
    made = Browser(raise_request_exception=False)
    made.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")
    return made


class TestAnAddress:
    @pytest.mark.parametrize(
        "path",
        [
            "/reset/%00/x/",
            "/reset/AA/x-y/",
            "/invitation/%00/x/",
            "/u/%00/",
            "/u/%E0%80/",
            "/admin/%ff/",
            f"{CLIENTS}_00/change/",
            f"{CLIENTS}1_00/history/",
            f"{CLIENTS}%2500/change/",
            f"{CLIENTS}?q=%00",
            f"{CLIENTS}?q=%ff%fe",
            f"{CLIENTS}?q=%ED%A0%80",
            f"{CLIENTS}?q=" + "x" * 5000,
            f"{CLIENTS}?created_at__gte=%ED%A0%80",
            f"{CLIENTS}?_changelist_filters=q%3D%2500",
            f"{CLIENTS}?full_name__regex=(",
            "/admin/mailings/mailing/?status__regex=(a%2B)%2B",
            "/admin/accounts/journalentry/?action_time__year=99999999999",
            "/admin/jsi18n/?x=%00",
            "/static/%00",
            "/static/%ff",
        ],
    )
    def test_is_answered(self, browser, path):
        assert browser.get(path).status_code < 500


class TestACookie:
    # In quotes a cookie may spell any octet: \\000 is a NUL by the time it reaches the database.
    @pytest.mark.parametrize(
        "cookie",
        [
            'sessionid="a\\000b"',
            'csrftoken="a\\000b"; sessionid=abc',
            'django_language="a\\000b"',
            "sessionid=\xff\xfe",
            "sessionid=" + "x" * 5000,
            'messages="\\000"',
        ],
    )
    @pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/u/x/"])
    def test_is_no_key_to_anything(self, cookie, path):
        response = Browser(raise_request_exception=False).get(path, headers={"cookie": cookie})

        assert response.status_code in (200, 302, 404)


class TestAPost:
    @pytest.mark.parametrize("value", ["\x00", "a\x00b@x.example", b"\xed\xa0\x80", "x" * 100_000])
    @pytest.mark.parametrize(
        "path", ["/admin/login/", "/admin/password_reset/", "/i18n/setlang/", "/reset/MQ/x-y/", "/u/x/"]
    )
    def test_of_anything_to_anywhere_public_is_answered(self, path, value):
        fields = dict.fromkeys(("username", "password", "email", "language", "next"), value)
        headers = {"user-agent": "a\x00b", "referer": "\x00", "accept-language": "\x00"}

        response = Browser(raise_request_exception=False).post(path, fields, headers=headers)

        assert response.status_code < 500


class TestAnotherSite:
    @pytest.mark.parametrize(
        "target",
        ["//evil.example", "https://evil.example/", "https:evil.example", "/\\evil.example", "\t//evil.example"],
    )
    @pytest.mark.parametrize("path", ["/i18n/setlang/", "/admin/logout/"])
    def test_is_nowhere_we_lead_to(self, browser, path, target):
        response = browser.post(path, {"next": target, "language": "en"})

        assert "evil" not in response.get("Location", "")


class TestAFile:
    def test_that_people_uploaded_has_no_address(self, browser, settings):
        """Attachments and lists lie in MEDIA_ROOT, which nothing serves, to nobody, not even to their owner."""
        owner = make_user("anna@staff.example")
        browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
        file = ContentFile(b"needle", "price.txt")
        kept = Attachment.objects.create(owner=owner, message=make_message(owner), name="price", file=file)
        paths = {kept.file.url, f"/{kept.file.name}", f"/media/{kept.file.name}", f"/static/{kept.file.name}"}

        answers = {path: browser.get(path).status_code for path in paths}

        assert answers == dict.fromkeys(paths, 404)
