"""The steps of an import, as their owner goes them and as others must not."""

import csv
import io
import json

import pytest
from django.contrib.auth.models import Permission

from mailings import tasks
from mailings.models import Client, ClientList, ImportJob
from mailings.operations import imports
from mailings.operations.imports.compare import CHUNK
from mailings.tests.admin.wizard import Wizard, step, text_of
from mailings.tests.factories import make_client, make_list, make_manager, make_superuser, make_user
from mailings.tests.operations.imports.steps import MIXED, everything, queued

pytestmark = pytest.mark.django_db

PAGES = ("columns", "check", "load", "stop", "undo")
MANY = "email\n" + "".join(f"a{n}@example.com\n" for n in range(600))


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", language="en")
    client.force_login(user)
    return user


@pytest.fixture
def wizard(client, ann):
    return Wizard(client)


class TestColumns:
    def test_show_how_the_file_is_read(self, wizard):
        page = text_of(wizard.upload("Почта;Имя;Город\nivan@example.com;Иван;Казань\n".encode("cp1251")))

        assert "Windows-1251, separated by a semicolon" in page
        assert "Имя Иван" in page
        assert "Attribute “Город”" in page

    def test_let_the_encoding_be_chosen_by_hand(self, wizard):
        wizard.upload("Почта;Имя\nivan@example.com;Иван\n".encode("cp866"))
        garbled = wizard.job.sample

        page = text_of(wizard.choose(encoding="cp866"))
        wizard.choose()
        wizard.load()

        assert garbled[0][1] != "Иван"
        assert "Имя Иван" in page
        assert list(Client.objects.values_list("email", "full_name")) == [("ivan@example.com", "Иван")]

    def test_let_the_first_line_be_a_client(self, wizard):
        wizard.upload("email;name\nivan@example.com;Иван\n")

        page = wizard.choose(has_header=False)

        assert (wizard.job.has_header, [each["header"] for each in wizard.job.mapping]) == (
            False,
            ["Column 1", "Column 2"],
        )
        assert "The first line should hold the column names." in text_of(page)

    def test_say_what_cannot_be_read_so(self, wizard):
        wizard.upload("Почта;Имя\nivan@example.com;Иван\n".encode("cp1251"))

        page = wizard.choose(encoding="utf-8-sig")

        assert "The file is not written in UTF-8. Choose another encoding." in text_of(page)

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"column_0": ""}, "There is no e-mail column."),
            ({"column_2": "full_name"}, "mean the same"),
            ({"column_2": "owner"}, "Select a valid choice"),
            ({"on_existing": "steal"}, "Select a valid choice"),
            ({"new_list": "a\nb"}, "control character"),
        ],
    )
    def test_say_what_is_wrong_with_a_choice(self, wizard, fields, sentence):
        wizard.upload(MIXED)

        page = wizard.choose(**fields)

        assert sentence in text_of(page)
        assert wizard.job.status == "uploaded"

    def test_offer_and_take_the_owners_lists_only(self, wizard, ann):
        mine, hers = make_list(ann, name="Mine"), make_list(make_user(), name="Hers")

        offered = text_of(wizard.upload(MIXED))
        refusals = {
            text_of(wizard.choose(client_list=pk)).count("Select a valid choice") for pk in (hers.pk, 987654, "x")
        }
        both = text_of(wizard.choose(client_list=mine.pk, new_list="VIP"))

        assert ("Mine" in offered, "Hers" in offered, refusals) == (True, False, {1})
        assert "Choose a list or name a new one, not both." in both

    def test_offer_no_lists_to_who_may_not_change_them(self, client):
        user = make_user(role=None)
        names = ("add_client", "change_client", "view_importjob")
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(user)
        wizard = Wizard(client)
        wizard.upload(MIXED)

        wizard.choose(new_list="VIP", client_list="1")
        wizard.load(skip_wrong="1")

        assert (Client.objects.count(), ClientList.objects.count()) == (3, 0)


class TestCheck:
    def test_shows_what_loading_would_do_and_writes_nothing(self, wizard, ann):
        make_client(ann, "anna@example.com", full_name="Ася")
        before = everything()

        wizard.upload(MIXED)
        page = text_of(wizard.choose())

        assert "New 2 Changed 1 Unchanged 0 Wrong 1 Repeated in the file 1 Rows in the file 5" in page
        assert "Ася Анна" in page
        assert "5 Почта ivan@ The part after the @ is not a valid domain name" in page
        assert "Load 3 rows" in page
        assert everything() == before

    def test_wants_a_word_about_wrong_rows(self, wizard):
        wizard.upload(MIXED)
        wizard.choose()

        page = text_of(wizard.load())

        assert "Some rows are wrong." in page
        assert Client.objects.count() == 0

    def test_shows_the_first_hundred_wrong_rows_and_gives_all_as_a_file(self, wizard):
        wizard.upload("email;name\n" + "".join(f"wrong{n};=1+1\n" for n in range(500)) + "ivan@example.com;I\n")
        page = wizard.choose().content.decode()

        file = b"".join(wizard.client.get(step("wrong", wizard.job)).streaming_content).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(file, newline=""), delimiter=";"))

        assert "The first 100 are shown." in page
        assert len(page) < 120_000
        assert (rows[0], len(rows)) == (["email", "name", "Reason"], 501)
        assert rows[1] == [
            "wrong0",
            "'=1+1",
            "There must be exactly one @ in the address, as in name@example.com.",
        ]

    def test_takes_the_corrected_file_of_wrong_rows(self, wizard):
        wizard.go("email;name\nivan@example.com;Иван\nolga@;Ольга\n")
        file = b"".join(wizard.client.get(step("wrong", wizard.job)).streaming_content)

        wizard.go(file.replace(b"olga@;", b"olga@example.com;"))

        assert list(Client.objects.order_by("email").values_list("full_name", flat=True)) == ["Иван", "Ольга"]

    def test_offers_the_likely_addresses_and_takes_them(self, wizard):
        wizard.upload("email\nivan@gmial.com\n")
        page = text_of(wizard.choose())

        again = text_of(wizard.client.post(step("check", wizard.job), {"correct": "1"}, follow=True))
        wizard.load()

        assert "ivan@gmial.com ivan@gmail.com" in page
        assert "1 address that looked mistyped is corrected." in again
        assert Client.objects.get().email == "ivan@gmail.com"

    def test_escapes_what_stands_in_the_file(self, wizard):
        table = "email;name;<b>x</b>\nivan@example.com;<script>alert(1)</script>;y\n<img src=x>;;\n"
        wizard.upload(table, "<i>a.csv")
        wizard.choose(column_2="attribute:b x b")

        pages = b"".join(page.content for page in wizard.pages).decode()

        assert [tag for tag in ("<script>alert", "<img src=x", "<b>x", "<i>a") if tag in pages] == []


class TestLoad:
    def test_shows_the_sums_and_where_they_went(self, wizard):
        wizard.upload(MIXED)
        wizard.choose(new_list="VIP")

        page = text_of(wizard.load(skip_wrong="1"))

        assert "completed The clients are loaded." in page
        assert "New 3 Changed 0 Unchanged 0 Wrong 1 Repeated in the file 1 Rows in the file 5" in page
        assert "They are on the list “VIP”." in page

    def test_happens_once_however_often_it_is_clicked(self, wizard):
        wizard.go(MIXED)
        Client.objects.all().delete()

        page = text_of(wizard.load(skip_wrong="1"))

        assert "This file has been loaded already." in page
        assert Client.objects.count() == 0

    def test_leaves_a_large_file_to_a_worker(self, wizard, django_capture_on_commit_callbacks):
        wizard.upload(MANY)
        wizard.choose()
        wizard.load()
        waiting = wizard.job.status

        tasks.work_on_import.call_local(wizard.job.pk)

        assert (waiting, wizard.job.status, Client.objects.count()) == ("queued", "completed", 600)

    def test_of_a_superuser_fills_his_own_base(self, client):
        root = make_superuser()
        client.force_login(root)

        Wizard(client).go("email\nivan@example.com\n")

        assert list(Client.objects.values_list("owner", flat=True)) == [root.pk]


class TestProgress:
    def test_is_told_as_json(self, wizard):
        wizard.upload(MANY)
        wizard.choose()
        wizard.load()

        answer = wizard.client.get(step("progress", wizard.job))

        told = json.loads(answer.content)
        assert {name: told[name] for name in ("status", "done", "total", "percent")} == {
            "status": "queued",
            "done": 0,
            "total": 600,
            "percent": 0,
        }
        assert "no-store" in answer.headers["Cache-Control"]


class TestStop:
    def test_asks_first_and_goes_on_later(self, wizard, ann):
        job = queued("email\n" + "".join(f"a{n}@example.com\n" for n in range(CHUNK + 5)), ann)
        imports.work(job.pk, seconds=0)

        asked = text_of(wizard.client.get(step("stop", job)))
        still = ImportJob.objects.get().status
        stopped = text_of(wizard.client.post(step("stop", job), follow=True))
        wizard.client.post(step("load", job))
        tasks.work_on_import.call_local(job.pk)

        assert ("Stop loading?" in asked, still) == (True, "running")
        assert "Load the remaining 5 rows" in stopped
        assert "Not loaded 5" in stopped
        assert (ImportJob.objects.get().status, Client.objects.count()) == ("completed", CHUNK + 5)


class TestUndo:
    def test_asks_first_and_brings_everything_back(self, wizard, ann):
        make_client(ann, "anna@example.com", full_name="Ася")
        before = everything()
        wizard.go(MIXED)

        asked = text_of(wizard.client.get(step("undo", wizard.job)))
        page = text_of(wizard.client.post(step("undo", wizard.job), follow=True))

        assert "2 clients that it added are removed." in asked
        assert "undone The base is as it was before." in page
        assert "Clients removed again 2 Clients restored 1" in page
        assert everything() == before


class TestStrangers:
    def test_meet_another_persons_import_like_one_that_is_not_there(self, client, wizard):
        wizard.go(MIXED)
        hers = wizard.job
        client.force_login(make_user())

        for page in (*PAGES, "progress", "wrong"):
            answers = [client.get(step(page, pk)).status_code for pk in (hers.pk, 987654)]
            answers += [client.post(step(page, pk)).status_code for pk in (hers.pk, 987654)]
            assert answers == [404] * 4

    def test_with_a_view_on_all_look_but_do_not_touch(self, client, wizard):
        wizard.go(MIXED)
        job, before = wizard.job, everything()
        client.force_login(make_manager())

        moved = [client.post(step(page, job)).status_code for page in PAGES]
        seen = [client.get(step(page, job)).status_code for page in ("progress", "wrong")]
        record = client.get(f"/admin/mailings/importjob/{job.pk}/change/")

        assert (moved, seen, record.status_code) == ([403] * 5, [200, 200], 200)
        assert "Undo…" not in text_of(record)
        assert everything() == before


class TestHistory:
    def test_keeps_what_was_loaded_and_how(self, wizard):
        wizard.go(MIXED, "november.csv", column_2="attribute:Город")

        page = text_of(wizard.client.get(f"/admin/mailings/importjob/{wizard.job.pk}/change/"))

        assert "november.csv" in page
        assert "Имя → Name" in page
        assert "Город → Attribute “Город”" in page
        assert "5 Почта ivan@" in page
        assert "Undo…" in page
