"""One's own page: name, time zone, language; nothing that would raise one's rights."""

import pytest
from django.conf import settings as project_settings
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import make_manager, make_superuser, make_user, with_second_step

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
PAGE = reverse("admin:profile")
DATA = {"full_name": "Ann Smith", "time_zone": "Asia/Tokyo", "language": "ru"}


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", language="en")
    client.force_login(user, backend=BACKEND)
    return user


class TestTheProfile:
    @pytest.mark.parametrize("make_person", [make_user, make_manager, make_superuser])
    def test_is_there_for_everybody_and_linked_from_every_page(self, client, make_person):
        client.force_login(make_person(), backend=BACKEND)

        pages = [client.get(address) for address in (PAGE, "/admin/")]

        assert [page.status_code for page in pages] == [200, 200]
        assert all(f'href="{PAGE}"' in page.content.decode() for page in pages)

    def test_changes_name_zone_and_language(self, client, ann):
        client.post(PAGE, DATA)

        ann.refresh_from_db()
        assert (ann.full_name, ann.time_zone, ann.language) == ("Ann Smith", "Asia/Tokyo", "ru")

    def test_speaks_the_new_language_at_once_whatever_was_chosen_before(self, client, ann):
        client.cookies[project_settings.LANGUAGE_COOKIE_NAME] = "en"

        answer = client.post(PAGE, DATA)
        # A browser drops a cookie that ends at once; the test client keeps it, empty.
        ended = client.cookies.pop(project_settings.LANGUAGE_COOKIE_NAME)["max-age"]

        assert (answer.status_code, ended) == (302, 0)
        assert '<html lang="ru"' in client.get(PAGE).content.decode()

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"time_zone": ""}, "time_zone"),
            ({"time_zone": "../../etc/passwd"}, "time_zone"),
            ({"language": "xx"}, "language"),
            ({"full_name": "x" * 151}, "full_name"),
            ({"full_name": "a\x00b"}, "full_name"),
        ],
    )
    def test_refuses_at_the_field(self, client, ann, fields, field):
        page = client.post(PAGE, DATA | fields)

        ann.refresh_from_db()
        assert (list(page.context["form"].errors), ann.full_name) == ([field], "")

    def test_raises_nobodys_rights(self, client, ann):
        before = User.objects.values().get(pk=ann.pk)
        other = make_user("other@staff.example")
        forged = {"is_superuser": "on", "email": "x@y.example", "groups": [1, 2], "id": other.pk, "user": other.pk}

        client.post(PAGE, DATA | forged)

        after = User.objects.values().get(pk=ann.pk)
        assert {name for name in after if after[name] != before[name]} == {"full_name", "time_zone", "language"}
        other.refresh_from_db()
        assert (other.full_name, ann.groups.count()) == ("", 1)

    def test_shows_whether_the_second_step_is_on(self, client, ann):
        before = client.get(PAGE).context["has_second_step"]
        with_second_step(ann)
        client.force_login(ann, backend=BACKEND)

        assert (before, client.get(PAGE).context["has_second_step"]) == (False, True)

    def test_is_closed_to_nobody_in_particular(self, client):
        assert client.get(PAGE)["Location"].startswith(reverse("admin:login"))
