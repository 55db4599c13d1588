"""The main job on the real thing: processes, a real database and queue, a real SMTP session, driven over HTTP."""

import json
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from django.conf import settings

from mailings.tests.system import System, wait_for

MOSCOW = ZoneInfo("Europe/Moscow")
DEMO_FILE = settings.BASE_DIR / "fixtures" / "clients_shop.csv"
STRANGE = "bad.one@example.org;Отказов Пётр;\r\nbad.two@example.org;;\r\nlater.one@example.org;Позднев Иван;\r\n"


@pytest.fixture
def system(tmp_path):
    with System(tmp_path) as running:
        yield running


def window(starts_in=timedelta(minutes=-1), lasts=timedelta(days=1)):
    first = datetime.now(MOSCOW) + starts_in
    last = first + lasts
    return {
        "first_send_at_0": f"{first:%Y-%m-%d}",
        "first_send_at_1": f"{first:%H:%M:%S}",
        "finish_send_at_0": f"{last:%Y-%m-%d}",
        "finish_send_at_1": f"{last:%H:%M:%S}",
    }


NO_ATTACHMENTS = {"attachments-TOTAL_FORMS": "0", "attachments-INITIAL_FORMS": "0"}


def import_clients(browser, content, list_name):
    """Upload a file, take its columns as they are recognised, look at the check, load it."""
    browser.post("/admin/mailings/client/import/", {}, files={"import_file": ("clients.csv", content, "text/csv")})
    job = re.search(r"/importjob/(\d+)/load/", browser.get("/admin/mailings/client/import/").text)[1]
    path = f"/admin/mailings/importjob/{job}"
    form = browser.get(f"{path}/columns/").text
    chosen = {name: chosen_option(form, name) for name in re.findall(r'<select name="(\w+)"', form)}
    browser.post(f"{path}/columns/", {**chosen, "has_header": "on", "on_existing": "update", "new_list": list_name})
    return browser.post(f"{path}/check/", {"load": "1", "skip_wrong": "1"})


def chosen_option(form, name):
    options = re.search(rf'<select name="{name}".*?</select>', form, re.DOTALL)[0]
    found = re.search(r'<option value="([^"]*)" selected', options)
    return found[1] if found else ""


def first_id(page, model):
    return re.search(rf"/admin/mailings/{model}/(\d+)/change/", page.text)[1]


def make_mailing(browser, title, **more):
    message = browser.post(
        "/admin/mailings/message/add/",
        {
            "subject": "Новости, {{ имя | друг }}",
            "text": "Здравствуйте, {{ имя | друг }}!",
            "html": "",
            **NO_ATTACHMENTS,
        },
    )
    assert "was added successfully" in message.text, message.text
    data = {
        "title": title,
        "message": first_id(browser.get("/admin/mailings/message/"), "message"),
        "lists": first_id(browser.get("/admin/mailings/clientlist/"), "clientlist"),
        "rhythm": "once",
        **window(),
        **more,
    }
    page = browser.post("/admin/mailings/mailing/add/", data)
    assert "was added successfully" in page.text, page.text
    return first_id(browser.get(f"/admin/mailings/mailing/?q={title}"), "mailing")


def confirm(browser, mailing, verb, **more):
    """Open a verb's confirmation page and say yes to what it says."""
    path = f"/admin/mailings/mailing/{mailing}/{verb}/"
    count = re.search(r'name="count" value="(\d+)"', browser.get(path).text)
    return browser.post(path, {"confirm": "1", "count": count[1] if count else "", **more})


LEDGER = (
    "import json; from mailings.models import *; "
    "print(json.dumps(dict("
    "sums=list(Run.objects.filter(mailing={0}).order_by('pk').values('total','accepted','refused','deferred','unknown','suppressed','cancelled')),"
    "states=sorted(Delivery.objects.filter(run__mailing={0}).order_by().values_list('state', flat=True)),"
    "attempts=list(Attempt.objects.filter(run__mailing={0}).order_by('delivery__address')"
    ".values('delivery__client__email','delivery__address','outcome','code','answer')),"
    "status=Mailing.objects.get(pk={0}).status, pause=Mailing.objects.get(pk={0}).pause_reason)))"
)


TOKEN = (
    "from django.conf import settings; from mailings.sending.token import seal; "
    "print(seal(1, settings.SECRET_KEY.encode()))"
)


def ledger(system, mailing):
    return json.loads(system.shell(LEDGER.format(mailing)))


@pytest.mark.timeout(170)
@pytest.mark.django_db(databases=[])
class TestTheMainJob:
    def test_from_the_spreadsheet_to_the_servers_answer(self, system):
        system.make_people(anna="User", boris="User", boss="Manager")
        system.start_worker()
        anna, boris, boss = (system.browser(name) for name in ("anna", "boris", "boss"))
        content = DEMO_FILE.read_bytes().rstrip(b"\r\n") + b"\r\n" + STRANGE.encode("cp1251")
        rows = content.count(b"\n") - 1

        loaded = import_clients(anna, content, "Shop")
        mailing = make_mailing(anna, "November")
        launched = confirm(anna, mailing, "launch")
        wait_for(lambda: ledger(system, mailing)["sums"][0]["accepted"] == rows - 3, seconds=60, every=1)
        found = ledger(system, mailing)

        assert "loaded" in loaded.text
        assert f"Launched: {rows} recipients" in launched.text
        self.every_letter_is_in_the_ledger(system, found, rows)
        self.every_attempt_has_the_servers_answer(found)
        self.the_others_see_what_they_may(boris, boss, mailing)
        self.a_manager_switches_off_but_never_edits(system, boss, mailing)
        self.the_logs_name_nobody(system)

    def every_letter_is_in_the_ledger(self, system, found, rows):
        [sums] = found["sums"]
        accepted = [row["delivery__address"] for row in found["attempts"] if row["outcome"] == "accepted"]
        assert sums == {
            "total": rows,
            "accepted": rows - 3,
            "refused": 2,
            "deferred": 1,
            "unknown": 0,
            "suppressed": 0,
            "cancelled": 0,
        }
        assert found["states"] == ["accepted"] * (rows - 3) + ["deferred"] + ["refused"] * 2
        assert system.received() == sorted(accepted)

    def every_attempt_has_the_servers_answer(self, found):
        attempts = found["attempts"]
        strange = [
            (row["delivery__address"], row["outcome"], row["code"])
            for row in attempts
            if not row["delivery__address"].endswith("example.com") and row["outcome"] != "accepted"
        ]
        assert strange == [
            ("bad.one@example.org", "refused", 550),
            ("bad.two@example.org", "refused", 550),
            ("later.one@example.org", "deferred", 451),
        ]
        assert all(row["delivery__client__email"] == row["delivery__address"] and row["answer"] for row in attempts)

    def the_others_see_what_they_may(self, boris, boss, mailing):
        page = f"/admin/mailings/mailing/{mailing}/change/"
        assert "November" not in boris.get("/admin/mailings/mailing/").text + boris.get(page).text
        assert (
            "example.com" not in boris.get("/admin/mailings/client/").text + boris.get("/admin/mailings/attempt/").text
        )
        assert "November" in boss.get(page).text
        assert "bad.one@example.org" in boss.get("/admin/mailings/delivery/?q=bad.one").text

    def a_manager_switches_off_but_never_edits(self, system, boss, mailing):
        edited = boss.post(
            f"/admin/mailings/mailing/{mailing}/change/", {"title": "Forged", "rhythm": "daily", **window()}
        )
        launched = boss.post(f"/admin/mailings/mailing/{mailing}/launch/", {"confirm": "1", "count": "0"})
        switched = confirm(boss, mailing, "switch_off", reason="wrong prices")

        found = ledger(system, mailing)
        assert (edited.status_code, launched.status_code) == (403, 403)
        assert "Switched off" in switched.text
        assert (found["status"], found["sums"][0]["cancelled"], found["sums"][0]["deferred"]) == ("switched_off", 1, 0)
        assert "Forged" not in boss.get("/admin/mailings/mailing/").text

    def the_logs_name_nobody(self, system):
        """Neither by an address, nor by a name searched for, nor by the token of a link."""
        httpx.get(f"{system.url}/admin/mailings/client/", params={"q": "Позднев later.one@example.org"})
        link = f"/u/{system.shell(TOKEN)}/"
        gone = httpx.post(f"{system.url}{link}")
        httpx.get(f"{system.url}{link[:-2]}x/")
        logged = wait_for(lambda: (text := system.logged()).count("/u/***") >= 2 and text)

        assert gone.status_code == 200
        assert "POST /admin/mailings/client/import/" in logged
        assert "deliver_run" in logged
        assert re.findall(r"\S+@(?:example|staff|shop)\S*|%D0\S*|/u/[^*]\S*", logged) == []


@pytest.mark.timeout(240)
@pytest.mark.django_db(databases=[])
class TestTheSchedule:
    def test_sends_once_to_each_by_itself_though_two_workers_look_each_minute(self, system):
        system.make_people(anna="User")
        for name in ("worker-1", "worker-2"):
            system.start_worker(name)
        anna = system.browser("anna")
        import_clients(anna, DEMO_FILE.read_bytes(), "Shop")
        rows = DEMO_FILE.read_bytes().count(b"\n") - 1
        mailing = make_mailing(anna, "Scheduled", **window(timedelta(seconds=10)))

        scheduled = confirm(anna, mailing, "launch")
        early = system.received()
        wait_for(lambda: ledger(system, mailing)["status"] == "completed", seconds=10 + 70 + 15, every=2)

        found = ledger(system, mailing)
        assert "Scheduled: starts at" in scheduled.text
        assert early == []
        assert [sums["accepted"] for sums in found["sums"]] == [rows]
        assert len(system.received()) == len(set(system.received())) == rows


@pytest.mark.timeout(120)
@pytest.mark.django_db(databases=[])
class TestBlocking:
    def test_pauses_the_running_mailing_and_logs_its_owner_out(self, system):
        system.make_people(anna="User", boss="Manager")
        anna, boss = system.browser("anna"), system.browser("boss")
        import_clients(anna, DEMO_FILE.read_bytes(), "Shop")
        mailing = make_mailing(anna, "Running")
        confirm(anna, mailing, "launch")
        anna_id = system.shell(
            "from accounts.models import User; print(User.objects.get(email='anna@staff.example').pk)"
        )

        boss.post(
            "/admin/accounts/user/",
            {"action": "block", "_selected_action": anna_id, "confirm": "1", "reason": "left the company"},
        )
        system.start_worker()
        wait_for(lambda: httpx_ready(system), seconds=90, every=1)

        found = ledger(system, mailing)
        assert (found["status"], found["pause"]) == ("paused", "owner_blocked")
        assert not anna.is_logged_in()
        assert system.received() == []


def httpx_ready(system):
    """The worker has shown life, so its first minute's task has run and sent nothing."""
    return system.browser("boss").get("/readyz").text == "ok"
