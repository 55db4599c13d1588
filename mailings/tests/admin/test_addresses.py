"""Every address of the site belongs to the admin, and asks for a login, or to a short list that everybody may see."""

import re

import pytest

from mailings.tests.admin import crawl

pytestmark = pytest.mark.django_db

PUBLIC = {
    "/",
    "/admin/login/",
    "/admin/password_reset/",
    "/admin/password_reset/done/",
    "/reset/<uidb64>/<token>/",
    "/reset/done/",
    "/invitation/<uidb64>/<token>/",
    "/i18n/setlang/",
    "/u/<str:token>/",
    "/healthz",
    "/readyz",
}
CATCH_ALL = "/admin/(?P<url>.*)$"
APP_LIST = re.compile(r"/admin/\^\(\?P<app_label>.*\)/\$")


def filled(route):
    """Put something where a route has a gap."""
    route = "/admin/mailings/" if APP_LIST.fullmatch(route) else route.replace(CATCH_ALL, "/admin/nonsense/")
    return re.sub(r"<[^>]+>", "1", route)


def leads_to_login(response):
    return response.status_code == 302 and response["Location"].startswith(("/admin/login/", "/admin/?"))


class TestEveryAddress:
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_asks_for_a_login_unless_it_is_public(self, client, method):
        answers = {route: getattr(client, method)(filled(route)) for route, _name in crawl.every_route()}

        # Logging out is all the same to somebody who is not logged in: he is led to the overview, which asks.
        open_ones = {route for route, answer in answers.items() if not leads_to_login(answer)} - {"/admin/logout/"}
        assert open_ones - PUBLIC == set()

    def test_is_walked_by_this_test(self):
        assert {route for route, _name in crawl.every_route()} >= PUBLIC | {CATCH_ALL, "/admin/mailings/client/"}

    def test_leads_nobody_by_a_content_type(self, client):
        """Django's redirect to any row of any model by its id answers for rows that one may not see."""
        routes = [route for route, name in crawl.every_route() if name == "view_on_site"]

        assert (routes, client.get("/admin/r/1/1/").status_code) == ([], 302)
