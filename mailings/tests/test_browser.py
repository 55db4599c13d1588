"""The pages in a real browser: nothing broken, nothing fetched from elsewhere, nothing out of reach."""

import re
from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import Error, Page, sync_playwright

from accounts.models import User
from accounts.tests.factories import app_code
from mailings.models import Attempt, Delivery, Mailing, Run
from mailings.models.run import SUMS
from mailings.tests.admin import crawl
from mailings.tests.factories import PASSWORD, make_client, make_list, make_mailing, make_user

CHROMIUM = Path("/usr/bin/chromium")
# Debian's Chromium asks its makers' servers for updates and lists unless each of these is said.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WIDE, NARROW, NARROWEST = 1280, 375, 320
# Every width, language and theme is looked at, each pair of them once.
LOOKS = {"en": ((WIDE, "light"), (NARROW, "dark")), "ru": ((NARROW, "light"), (WIDE, "dark"))}
TIMEOUT_MS = 20_000

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="Chromium is missing: install it with apt-get install chromium"
)


class Watch:
    """Whatever a page should not do, in sentences."""

    def __init__(self, page: Page, host: str):
        self.page, self.host, self.faults, self.walked = page, host, [], set()
        # Asked for by the browser itself beside what is no page of ours, such as JSON.
        self.walked.add(f"{host}/favicon.ico")
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: script error: {error}"))
        page.on("console", self.on_console)
        page.on("request", self.on_request)

    def on_console(self, message):
        is_refusal = message.location.get("url") in self.walked and message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not is_refusal:
            self.faults.append(f"{self.page.url}: console: {message.text}")

    def walk(self, path):
        """Open a page that may also be a file to keep, or a refusal, which browsers write into the console."""
        self.walked.add(self.host + path)
        try:
            answer = self.page.goto(self.host + path, wait_until="load")
        except Error as error:
            if "Download is starting" not in str(error):
                raise
            return
        if answer is None or answer.status not in (200, 403, 404):
            self.faults.append(f"{path}: status {answer and answer.status}")

    def on_request(self, request):
        if not request.url.startswith((self.host, "data:", "blob:")):
            self.faults.append(f"{self.page.url}: request to {request.url}")

    def look(self, path, looks=LOOKS["en"]):
        """Open the page and note its status, headings, overflow and what axe finds grave."""
        answer = self.page.goto(self.host + path, wait_until="load")
        assert answer is not None
        if answer.status != 200:
            self.faults.append(f"{path}: status {answer.status}")
        headings = self.page.locator("h1").count()
        if headings != 1:
            self.faults.append(f"{path}: {headings} headings of the first rank")
        for width, scheme in looks:
            self.page.emulate_media(color_scheme=scheme)
            if self.page.locator("html[data-bs-theme]").count():
                wait_for_theme(self.page, scheme)
            self.measure(path, width)
            self.ask_axe(f"{path} at {width} px, {scheme}")
        self.measure(path, NARROWEST)

    def measure(self, path, width):
        self.page.set_viewport_size({"width": width, "height": 800})
        overflow = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            self.faults.append(f"{path}: {overflow} px wider than a screen of {width}")

    def ask_axe(self, where):
        for found in Axe().run(self.page).response["violations"]:
            if found["impact"] in ("critical", "serious"):
                places = [node["target"] for node in found["nodes"]]
                self.faults.append(f"{where}: axe: {found['id']} at {places}")


@contextmanager
def browser_page(width, language="en") -> Iterator[Page]:
    """Open a browser for one test; it must be closed before the database is, whose code refuses to run beside it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        try:
            # Still pictures: in the middle of a transition a colour is neither the old nor the new one.
            page = browser.new_page(viewport={"width": width, "height": 800}, locale=language, reduced_motion="reduce")
            page.set_default_timeout(TIMEOUT_MS)
            yield page
        finally:
            browser.close()


def wait_for_theme(page, scheme):
    page.locator(f"html[data-bs-theme={scheme}]").wait_for(state="attached")


def log_in(page, host, user):
    give_password(page, host, user)
    page.wait_for_url(f"{host}/admin/")


def give_password(page, host, user):
    page.goto(f"{host}/admin/login/")
    page.locator("input[name=username]").fill(user.email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")


@pytest.fixture
def plain_static(settings, tmp_path):
    # live_server reads static files from where they lie, so their names must not be hashed by a former collectstatic.
    settings.STATIC_ROOT = tmp_path / "static"


@pytest.fixture
def owner(transactional_db):
    return make_user("anna@staff.example", full_name="Anna Postnikova", language="en")


@pytest.fixture
def base(owner):
    """Give the owner clients, a list, a mailing under way and one that waits."""
    clients = [make_client(owner, f"client{n}@example.com", full_name=f"Client {n}") for n in range(60)]
    chosen = make_list(owner, clients, name="Shop")
    running = make_mailing(owner, lists=[chosen], title="News of November", status=Mailing.Status.RUNNING)
    Run.objects.create(
        owner=owner,
        mailing=running,
        trigger=Run.Trigger.BY_HAND,
        snapshot={},
        total=60,
        accepted=20,
        refused=3,
        deferred=2,
    )
    waiting = make_mailing(owner, lists=[chosen], title="A very long title of a mailing, " * 3)
    return {"client": clients[0], "running": running, "waiting": waiting}


class Correspondent(BaseHTTPRequestHandler):
    """A server outside: gives a page with a letter under some policy, and hears of it when the picture is fetched."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path == "/letter" else "image/png")
        self.send_header("Content-Security-Policy", self.server.policy)
        self.end_headers()
        self.wfile.write(b"""<iframe sandbox srcdoc="<p style='color: rgb(1, 2, 3)'>Hello</p>
            <script>parent.ran = 1</script><img src=/picture>"></iframe>""")

    def log_message(self, *_):
        pass


@pytest.fixture
def correspondent():
    with ThreadingHTTPServer(("127.0.0.1", 0), Correspondent) as server:
        server.asked = []
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def of(name, row):
    return reverse(f"admin:{name}", args=[row.pk])


@pytest.mark.usefixtures("plain_static")
class TestPages:
    @pytest.mark.parametrize("language", LOOKS)
    def test_are_whole_reachable_and_our_own(self, live_server, owner, base, language):
        User.objects.filter(pk=owner.pk).update(language=language)
        paths = [
            reverse("admin:index"),
            reverse("admin:mailings_client_changelist"),
            reverse("admin:mailings_client_changelist") + "?q=nobody",
            of("mailings_client_change", base["client"]),
            of("mailings_client_history", base["client"]),
            of("mailings_client_delete", base["client"]),
            reverse("admin:mailings_mailing_changelist"),
            reverse("admin:mailings_mailing_add"),
            of("mailings_mailing_change", base["waiting"]),
            of("mailings_mailing_change", base["running"]),
            of("mailings_mailing_launch", base["waiting"]),
            of("mailings_mailing_switch_off", base["running"]),
            of("mailings_message_change", base["waiting"].message),
            reverse("admin:mailings_run_changelist"),
            reverse("admin:mailings_delivery_changelist"),
            reverse("admin:mailings_attempt_changelist"),
            reverse("admin:mailings_suppression_changelist"),
            reverse("admin:password_change"),
            reverse("admin:profile"),
            reverse("admin:second_step"),
        ]
        with browser_page(WIDE, language) as page:
            watch = Watch(page, live_server.url)
            watch.look(reverse("admin:login"), LOOKS[language])
            watch.look(reverse("admin_password_reset"), LOOKS[language])
            log_in(page, live_server.url, owner)

            for path in paths:
                watch.look(path, LOOKS[language])
            shown = page.locator("html").get_attribute("lang")

        assert (watch.faults, shown) == ([], language)

    def test_follow_the_system_from_light_to_dark(self, live_server, owner):
        colour = "getComputedStyle(document.body).backgroundColor"
        with browser_page(WIDE) as page:
            log_in(page, live_server.url, owner)
            shown = []
            for scheme in ("light", "dark", "light"):
                page.emulate_media(color_scheme=scheme)
                wait_for_theme(page, scheme)
                shown.append(page.evaluate(colour))

        assert shown == ["rgb(242, 245, 248)", "rgb(18, 26, 34)", "rgb(242, 245, 248)"]

    def test_name_the_open_autocomplete(self, live_server, owner, base):
        with browser_page(WIDE) as page:
            log_in(page, live_server.url, owner)
            page.goto(live_server.url + reverse("admin:mailings_mailing_add"))

            page.locator(".field-message .select2-selection").click()
            page.get_by_role("option", name="News").first.wait_for()
            found = {item["id"] for item in Axe().run(page).response["violations"] if item["impact"] != "moderate"}

        assert found == set()


@pytest.mark.usefixtures("plain_static")
class TestLiveProgress:
    """Only here and at a launch the database is asked while the browser's event loop runs in this thread."""

    @pytest.fixture(autouse=True)
    def both_in_one_thread(self, monkeypatch):
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

    @pytest.mark.parametrize("name", ["index", "mailings_mailing_changelist", "mailings_mailing_change"])
    def test_grows_without_a_reload_and_adds_up(self, live_server, owner, base, name):
        path = of(name, base["running"]) if name.endswith("_change") else reverse(f"admin:{name}")
        with browser_page(WIDE) as page:
            log_in(page, live_server.url, owner)
            page.goto(live_server.url + path)
            page.evaluate("window.isTheSame = true")
            row = page.locator(f"[data-mailing-id='{base['running'].pk}']")
            before = row.locator("[data-field=accepted]").inner_text()

            Run.objects.update(accepted=31)
            row.locator("[data-field=accepted]", has_text="31").wait_for()
            after = {
                name: int(row.locator(f"[data-field={name}]").text_content()) for name in (*SUMS, "waiting", "total")
            }
            is_the_same = page.evaluate("window.isTheSame")

        assert (before, is_the_same) == ("20", True)
        assert after["total"] == 60 == sum(count for name, count in after.items() if name != "total")

    def test_shows_each_attempt_as_it_is_made(self, live_server, owner, base):
        run = base["running"].runs.get()
        with browser_page(NARROW) as page:
            log_in(page, live_server.url, owner)
            page.goto(live_server.url + of("mailings_mailing_change", base["running"]))
            before = page.locator("#latest li").count()

            delivery = Delivery.objects.create(owner=owner, run=run, address="first@example.com", state="refused")
            Attempt.objects.create(
                owner=owner, run=run, delivery=delivery, outcome="refused", answer="550 <script>alert(1)</script>"
            )
            page.locator("#latest").get_by_text("first@example.com").wait_for()
            answer = page.locator("#latest [data-field=answer]").inner_text()

        assert (before, answer) == (0, "550 <script>alert(1)</script>")

    def test_is_loaded_afresh_once_the_mailing_has_ended(self, live_server, owner, base):
        with browser_page(WIDE) as page:
            log_in(page, live_server.url, owner)
            page.goto(live_server.url + of("mailings_mailing_change", base["running"]))

            Mailing.objects.filter(pk=base["running"].pk).update(status=Mailing.Status.COMPLETED)
            page.locator(".status-completed").first.wait_for()
            buttons = page.get_by_role("link", name="Pause").count()

        assert buttons == 0


@pytest.mark.usefixtures("plain_static")
class TestALaunch:
    def test_by_keyboard_alone_sends_the_number_that_stood_on_the_button(self, live_server, owner, base, monkeypatch):
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with browser_page(WIDE) as page:
            log_in(page, live_server.url, owner)
            page.goto(live_server.url + of("mailings_mailing_change", base["waiting"]))
            self.press(page, "Launch…")
            page.wait_for_url("**/launch/")
            button = self.press(page, "Launch 60 letters")
            page.wait_for_url(f"**{of('mailings_mailing_change', base['waiting'])}")
            told = page.locator(".note-success").inner_text()
            total = page.locator("[data-field=total]").inner_text()

        assert (button, total) == ("Launch 60 letters", "60")
        assert told.endswith("Launched: 60 recipients.")
        assert Delivery.objects.filter(run__mailing=base["waiting"]).count() == 60

    def press(self, page, name):
        """Walk with the tabulator to what has this name, and press it."""
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate("document.activeElement.textContent.trim()")
            if focused == name:
                page.keyboard.press("Enter")
                return focused
        raise AssertionError(f"{name} cannot be reached by keyboard")


@pytest.mark.usefixtures("plain_static")
class TestTheSecondStep:
    def test_is_switched_on_kept_as_a_file_and_asked_for(self, live_server, owner):
        with browser_page(NARROW) as page:
            watch = Watch(page, live_server.url)
            log_in(page, live_server.url, owner)
            watch.look(reverse("admin:second_step"))
            key = b32decode(page.locator(".key").inner_text().replace(" ", "")).hex()
            page.get_by_label("Code from the app").fill(app_code(key))
            page.get_by_role("button", name="Switch on").click()
            page.get_by_role("button", name="Print").wait_for()
            codes = page.locator(".codes code").all_inner_texts()
            with page.expect_download() as download:
                page.get_by_role("link", name="Download as a file").click()
            kept = download.value.path().read_text(encoding="utf-8")

            page.context.clear_cookies()
            give_password(page, live_server.url, owner)
            page.get_by_role("link", name="No telephone at hand?").click()
            page.get_by_label("Code").fill(codes[0])
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{live_server.url}/admin/")

        assert (watch.faults, len(codes)) == ([], 10)
        assert [code for code in codes if code not in kept] == []


@pytest.mark.usefixtures("plain_static")
class TestKeyboard:
    def test_skips_to_the_page_and_opens_the_menu_of_a_phone(self, live_server, owner):
        focused = "document.activeElement.id || document.activeElement.textContent.trim()"
        with browser_page(NARROW) as page:
            log_in(page, live_server.url, owner)
            page.keyboard.press("Tab")
            first = page.evaluate(focused)
            page.keyboard.press("Enter")
            after_skip = page.evaluate(focused)
            page.locator("#side-toggle").press("Enter")
            in_menu = page.evaluate(focused)
            page.keyboard.press("Escape")
            after_menu = page.evaluate(focused)

        assert [first, after_skip, in_menu, after_menu] == ["Skip to the page", "main", "Overview", "side-toggle"]


def everywhere(person, world):
    """List every page there is, with a row of each kind filled in; not those that are no pages or end the session."""
    no_page = re.compile(r"/(logout|autocomplete|jsi18n|copy|[a-z]+\.(json|csv)$)")
    first = crawl.row_pages(lambda label: [1] if label == "auth.group" else world.ids(world.alice, label)[:1])
    return [path for path in (*crawl.pages(), *first) if not no_page.search(path)]


@pytest.mark.usefixtures("plain_static")
class TestThePolicy:
    """A breach of it is an error in the console, which `Watch` writes down."""

    @pytest.mark.parametrize("language", ["en", "ru"])
    def test_is_kept_by_every_page(self, live_server, transactional_db, language):
        world = crawl.World()
        boss = User.objects.create_superuser("boss@staff.example", PASSWORD, language=language)
        paths = everywhere(boss, world)

        with browser_page(WIDE, language) as page:
            watch = Watch(page, live_server.url)
            for path in (
                "/admin/login/",
                "/admin/password_reset/",
                "/admin/password_reset/done/",
                "/reset/done/",
                "/nowhere/",
            ):
                watch.walk(path)
            log_in(page, live_server.url, boss)
            for path in paths:
                watch.walk(path)
            shown = page.locator("html").get_attribute("lang")

        assert watch.faults == []
        assert (shown, len(paths) > 60) == (language, True)

    def test_is_kept_by_whatever_opens_on_a_page(self, live_server, owner, base):
        with browser_page(WIDE) as page:
            watch = Watch(page, live_server.url)
            log_in(page, live_server.url, owner)
            page.goto(live_server.url + reverse("admin:mailings_mailing_add"))
            self.choose(page, "message", "News")
            self.choose(page, "lists", "Shop")
            page.locator(".field-first_send_at .date-icon").click()
            page.locator(".calendarbox:visible td a").first.click()
            page.locator(".field-first_send_at .clock-icon").click()
            page.locator(".clockbox:visible li a").first.click()
            page.locator(".field-finish_send_at .datetimeshortcuts a").first.click()
            page.goto(live_server.url + reverse("admin:mailings_client_changelist"))
            page.locator("#action-toggle").check()
            page.goto(live_server.url + of("mailings_message_change", base["waiting"].message))
            page.locator(".add-row a").click()

        assert watch.faults == []

    def choose(self, page, field, text):
        page.locator(f".field-{field} .select2-selection").first.click()
        page.get_by_role("option", name=text).first.click()

    @pytest.mark.parametrize(
        ("policy", "colour", "is_fetched"),
        [
            # Without a policy the picture is fetched: what is looked for here can be seen.
            ("default-src *; style-src 'unsafe-inline'", "rgb(1, 2, 3)", True),
            (settings.PAGE_HEADERS["Content-Security-Policy"], "rgb(0, 0, 0)", False),
            (settings.LETTER_PAGE_POLICY, "rgb(1, 2, 3)", False),
        ],
        ids=["none", "of every page", "of a page with a letter"],
    )
    def test_says_what_a_letter_in_a_frame_may_do(self, correspondent, policy, colour, is_fetched):
        """On a page that shows one, its styles apply; its script never runs, its picture is never fetched."""
        # From elsewhere, as in a real letter: 'self' is another port.
        correspondent.policy = policy.replace("'self'", "http://127.0.0.1:1")
        with browser_page(WIDE) as page:
            page.goto(f"http://127.0.0.1:{correspondent.server_port}/letter")
            text = page.frame_locator("iframe").locator("p")
            shown = text.evaluate("text => getComputedStyle(text).color"), page.evaluate("window.ran")

        assert (*shown, "/picture" in correspondent.asked) == (colour, None, is_fetched)


@pytest.mark.usefixtures("plain_static")
class TestAfterALogout:
    def test_going_back_shows_nothing(self, live_server, owner, base):
        with browser_page(WIDE) as page:
            log_in(page, live_server.url, owner)
            page.goto(live_server.url + reverse("admin:mailings_client_changelist"))
            before = page.get_by_text("client59@example.com").count()
            with page.expect_navigation():
                page.locator("form[action$='/logout/']").evaluate("form => form.submit()")
            page.go_back()

            assert (before, page.get_by_text("client59@example.com").count()) == (1, 0)
            assert page.url.startswith(f"{live_server.url}/admin/login/")


class TestStaticFiles:
    def test_are_all_collected_under_hashed_names(self, client, db, settings, tmp_path):
        settings.STATIC_ROOT = tmp_path / "static"
        call_command("collectstatic", interactive=False, verbosity=0)
        user = make_user()
        pages = [client.get(reverse("admin:login"))]
        client.force_login(user)
        names = ("index", "mailings_client_changelist", "mailings_client_add", "mailings_mailing_add")
        pages += [client.get(reverse(f"admin:{name}")) for name in names]

        links = {
            link for page in pages for link in re.findall(r'(?:href|src)="/static/([^"]+)"', page.content.decode())
        }

        assert links
        assert [link for link in links if not (settings.STATIC_ROOT / link).is_file()] == []
        # A name that can be found as it is written was not hashed: browsers would keep its old content.
        assert [link for link in links if finders.find(link)] == []
