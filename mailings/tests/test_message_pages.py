"""A message's pages in a real browser: the letter as it is written, and as it will be read."""

import pytest
from django.urls import reverse

from mailings.models import Client, Mailing, Run
from mailings.tests.factories import make_client, make_mailing, make_message, make_user
from mailings.tests.test_browser import CHROMIUM, NARROW, WIDE, Watch, browser_page, log_in, of

TINY = 320

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Chromium is missing: install it with apt-get install chromium"
)


@pytest.fixture
def author(transactional_db, settings, tmp_path):
    # live_server reads static files from where they lie, so their names must not be hashed by a former collectstatic.
    settings.STATIC_ROOT = tmp_path / "static"
    user = make_user("anna@staff.example", full_name="Anna Postnikova", language="en")
    for number in range(3):
        make_client(user, f"client{number}@example.com", full_name=f"Client {number}", attributes={"city": "Kazan"})
    return user


@pytest.fixture
def pages(author):
    """List the pages of a message that can be changed and of one that cannot, and the launch that shows letters."""
    html = "<table><tr><td style='color: red'>Dear {{ name }}</td></tr></table>"
    draft, sent = (make_message(author, subject="{{ name }}, news", html=html) for _ in range(2))
    waiting = make_mailing(author, Client.objects.filter(owner=author), message=draft)
    done = make_mailing(author, message=sent, status=Mailing.Status.COMPLETED)
    Run.objects.create(owner=author, mailing=done, trigger="by_hand", snapshot={})
    look = of("mailings_message_preview", draft)
    return [
        reverse("admin:mailings_message_add"),
        of("mailings_message_change", draft),
        of("mailings_message_change", sent),
        *(f"{look}?show={show}" for show in ("html", "text", "phone", "raw")),
        of("mailings_mailing_launch", waiting),
    ]


class TestThePages:
    @pytest.mark.parametrize("width", [WIDE, NARROW, TINY])
    def test_are_whole_reachable_and_our_own(self, live_server, author, pages, width):
        with browser_page(width) as page:
            watch = Watch(page, live_server.url)
            log_in(page, live_server.url, author)

            for path in pages:
                watch.look(path)

        assert watch.faults == []


class TestWriting:
    def test_shows_the_letter_as_a_client_gets_it(self, live_server, author):
        with browser_page(WIDE) as page:
            log_in(page, live_server.url, author)
            page.goto(live_server.url + reverse("admin:mailings_message_add"))
            page.locator("#id_html").fill("<p style='color: rgb(1, 2, 3)'>Dear </p><script>parent.ran = 1</script>")
            page.locator("#id_html").evaluate("field => field.setSelectionRange(36, 36)")
            page.locator(".field-html").get_by_role("button", name="full_name").click()
            letter = page.frame_locator(".letter-frame").locator("p").first
            letter.filter(has_text="Dear Client 2").wait_for()
            color = letter.evaluate("text => getComputedStyle(text).color")
            page.get_by_role("link", name="Next", exact=True).click()
            letter.filter(has_text="Dear Client 1").wait_for()
            page.locator("#id_html").fill("{{ nmae }}")
            page.locator(".check-fault").filter(has_text="Did you mean “name”?").wait_for()
            ran = page.evaluate("window.ran")

        assert (color, ran) == ("rgb(1, 2, 3)", None)

    def test_lets_the_keyboard_leave_the_source_in_which_tab_indents(self, live_server, author):
        with browser_page(WIDE) as page:
            log_in(page, live_server.url, author)
            page.goto(live_server.url + reverse("admin:mailings_message_add"))
            page.locator("#id_html").focus()
            for key in ("Tab", "a", "Escape", "Tab"):
                page.keyboard.press(key)
            found = page.locator("#id_html").input_value(), page.evaluate("document.activeElement.id")

        assert found[0] == "  a"
        assert found[1] != "id_html"
