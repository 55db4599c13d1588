"""The steps of an import in a real browser: by somebody who has never seen them, in both languages."""

import os
from pathlib import Path

import pytest
from django.urls import reverse

from mailings.models import Client, ImportJob
from mailings.operations import imports
from mailings.operations.imports.compare import CHUNK
from mailings.tests.factories import make_client, make_list, make_user
from mailings.tests.operations.imports.steps import MIXED, queued
from mailings.tests.test_browser import CHROMIUM, WIDE, Watch, browser_page, log_in, plain_static

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: install it with apt-get install chromium"),
    pytest.mark.usefixtures("plain_static"),
]

__all__ = ["plain_static"]

# Where screenshots go, for whoever wants to look at them.
SHOTS = os.environ.get("IMPORT_SHOTS", "")
MISTYPED = "petr@gmial.com;Пётр;Тула\n"
WORDS = {
    "en": {
        "upload": "Upload",
        "check": "Check the file",
        "skip": "Leave out 1 wrong row",
        "load": "Load 4 rows",
        "done": "The clients are loaded.",
        "undo": "Undo…",
        "yes": "Undo",
        "undone": "The base is as it was before.",
    },
    "ru": {
        "upload": "Загрузить файл",
        "check": "Проверить файл",
        "skip": "Пропустить 1 строку с ошибкой",
        "load": "Загрузить 4 строки",
        "done": "Клиенты загружены.",
        "undo": "Отменить импорт…",
        "yes": "Отменить импорт",
        "undone": "База такая же, какой была до импорта.",
    },
}


@pytest.fixture(params=["en", "ru"])
def owner(request, transactional_db):
    owner = make_user("anna@staff.example", full_name="Anna Postnikova", language=request.param)
    make_client(owner, "anna@example.com", full_name="Ася")
    make_list(owner, name="VIP")
    return owner


def shoot(page, name):
    if SHOTS:
        for width in (1280, 375):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": WIDE, "height": 800})


class TestTheWalk:
    def test_from_a_file_to_clients_and_back_asks_for_nothing_but_what_it_shows(
        self, live_server, owner, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        say, path = WORDS[owner.language], tmp_path / "клиенты.csv"
        path.write_text(MIXED + MISTYPED, encoding="cp1251")
        with browser_page(WIDE, owner.language) as page:
            watch = Watch(page, live_server.url)
            log_in(page, live_server.url, owner)
            watch.look(reverse("admin:mailings_client_import"))
            shoot(page, f"{owner.language}-1-file")
            page.locator("input[type=file]").set_input_files(path)
            page.get_by_role("button", name=say["upload"]).click()

            watch.look(page.url.removeprefix(live_server.url))
            page.locator("[name=column_2]").select_option("attribute:Город")
            page.locator("[name=client_list]").select_option(label="VIP")
            shoot(page, f"{owner.language}-2-columns")
            page.get_by_role("button", name=say["check"]).click()

            watch.look(page.url.removeprefix(live_server.url))
            shoot(page, f"{owner.language}-3-check")
            page.get_by_label(say["skip"]).check()
            page.get_by_role("button", name=say["load"]).click()

            page.get_by_text(say["done"]).wait_for()
            watch.look(page.url.removeprefix(live_server.url))
            shoot(page, f"{owner.language}-4-done")
            loaded = list(Client.objects.order_by("email").values_list("email", "full_name"))
            watch.look(reverse("admin:mailings_importjob_change", args=[ImportJob.objects.get().pk]))
            shoot(page, f"{owner.language}-5-record")
            page.get_by_role("link", name=say["undo"]).click()
            watch.look(page.url.removeprefix(live_server.url))
            shoot(page, f"{owner.language}-6-undo")
            page.get_by_role("button", name=say["yes"]).click()
            page.get_by_text(say["undone"]).wait_for()
            shoot(page, f"{owner.language}-7-undone")
            watch.look(reverse("admin:mailings_importjob_changelist"))
            shoot(page, f"{owner.language}-8-history")

        assert watch.faults == []
        assert loaded == [
            ("anna@example.com", "Анна"),
            ("ivan@example.com", "Иван"),
            ("olga@example.com", "Ольга"),
            ("petr@gmial.com", "Пётр"),
        ]
        assert list(Client.objects.values_list("email", "full_name")) == [("anna@example.com", "Ася")]


class TestColumns:
    def test_are_read_anew_as_soon_as_another_encoding_is_chosen(self, live_server, owner, tmp_path):
        path = tmp_path / "clients.csv"
        path.write_text(MIXED, encoding="cp866")
        with browser_page(WIDE, owner.language) as page:
            log_in(page, live_server.url, owner)
            page.goto(live_server.url + reverse("admin:mailings_client_import"))
            page.locator("input[type=file]").set_input_files(path)
            page.locator("button[type=submit].btn-primary").click()
            before = page.locator(".examples").all_inner_texts()

            page.locator("[name=encoding]").select_option("cp866")
            page.locator(".examples", has_text="Иван").first.wait_for()

        assert not any("Иван" in text for text in before)


class TestProgress:
    def test_grows_without_a_reload_and_gives_way_to_the_outcome(self, live_server, owner, monkeypatch):
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        job = queued("email\n" + "".join(f"a{n}@example.com\n" for n in range(2 * CHUNK)), owner)
        imports.work(job.pk, seconds=0)
        with browser_page(WIDE, owner.language) as page:
            watch = Watch(page, live_server.url)
            log_in(page, live_server.url, owner)
            watch.look(reverse("admin:mailings_importjob_load", args=[job.pk]))
            shoot(page, f"{owner.language}-9-progress")
            first = page.locator("[role=progressbar]").get_attribute("aria-valuenow")

            ImportJob.objects.update(progress=3000, new=3000)
            page.locator("[role=progressbar][aria-valuenow='75']").wait_for()
            grown = page.locator("[data-sum=new]").inner_text()
            ImportJob.objects.update(progress=CHUNK, new=CHUNK)
            imports.work(job.pk)
            page.get_by_text(WORDS[owner.language]["done"]).wait_for()

        assert watch.faults == []
        assert (first, "".join(filter(str.isdigit, grown))) == ("50", "3000")
