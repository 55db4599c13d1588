"""The pages that take client lists in and give them out, as each role meets them."""

import io
import re

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from mailings.models import Client, ClientList, ImportJob, Suppression
from mailings.tests.factories import make_client, make_list, make_manager, make_superuser, make_user

pytestmark = pytest.mark.django_db

IMPORT = reverse("admin:mailings_client_import")
PROCESS = reverse("admin:mailings_client_process_import")
EXPORT = reverse("admin:mailings_client_export")
CHANGELIST = reverse("admin:mailings_client_changelist")
TRACES = ("Traceback", "DETAIL", "psycopg", "sqlite3", "IntegrityError")


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", language="en")
    client.force_login(user)
    return user


def upload(client, data, name="clients.csv", **fields):
    data = data.encode() if isinstance(data, str) else data
    return client.post(IMPORT, {"import_file": SimpleUploadedFile(name, data), **fields})


def confirm(client, job):
    return client.post(PROCESS, {"job": getattr(job, "pk", job)}, follow=True)


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def errors_of(response, field="import_file"):
    return response.context["form"].errors.get(field, [])


class TestUpload:
    def test_shows_the_form(self, client, ann):
        make_list(ann, name="Mine")
        make_list(make_user(), name="Somebody else's")

        page = text_of(client.get(IMPORT))

        assert "Mine" in page
        assert "Somebody else" not in page

    def test_shows_what_loading_would_do_and_writes_no_client(self, client, ann):
        make_client(ann, "olga@example.com", full_name="Оля")
        Suppression.objects.create(owner=ann, address="ivan@example.com")
        table = "Почта;Имя;Город\nivan@example.com;Иван;Казань\nolga@example.com;Ольга;Пермь\nнет;;\n"

        response = upload(client, table.encode("cp1251"))

        page = text_of(response)
        assert "read as Windows-1251, separated by a semicolon" in page
        assert "These columns are not read: Город." in page
        assert "Оля Ольга" in page
        assert "1 of the addresses is on the suppression list." in page
        assert "4 Почта нет There must be exactly one @" in page
        assert "Load 2 rows" in page
        assert list(Client.objects.values_list("email", "full_name")) == [("olga@example.com", "Оля")]

    def test_keeps_the_file_and_its_figures_for_its_owner(self, client, ann):
        upload(client, "email\nivan@example.com\nnonsense\n", "my list.csv")

        job = ImportJob.objects.get()
        assert (job.owner, job.file_name, job.status, job.rows, job.new, job.wrong) == (
            ann,
            "my list.csv",
            "checked",
            2,
            1,
            1,
        )

    def test_takes_the_field_names_of_the_library(self, client, ann):
        response = upload(client, "email\nivan@example.com\n", format="0", resource="0")

        assert (response.status_code, ImportJob.objects.count()) == (200, 1)

    def test_shows_the_first_twenty_rows_and_a_hundred_wrong_ones(self, client, ann):
        rows = "".join(f"good{n}@example.org\n" for n in range(500)) + "wrong\n" * 500

        page = upload(client, f"email\n{rows}").content.decode()

        assert (page.count("@example.org"), "The first 100 of 500 are shown." in page) == (20, True)
        assert len(page) < 100_000

    def test_escapes_what_stands_in_the_file(self, client, ann):
        table = "email;name;<b>x</b>\nivan@example.com;<script>alert(1)</script>;y\n<img src=x>;;\n"

        page = upload(client, table, "<i>a.csv").content.decode()

        assert [tag for tag in ("<script>alert", "<img src=x", "<b>x", "<i>a") if tag in page] == []
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page

    @pytest.mark.parametrize(
        ("data", "name", "sentence"),
        [
            (b"", "empty.csv", "The file is empty."),
            (b"email\n", "clients.csv", "There are no rows below the column names."),
            (b"name\nIvan\n", "clients.csv", "There is no e-mail column."),
            (b"a@x.test\nb@x.test\n", "clients.csv", "The first line must hold the column names"),
            (b"email|name\na@x.test|I\n", "clients.csv", "separated by a comma, a semicolon or a tab"),
            (b'email,name\na@x.test,"open\n', "clients.csv", "Broken quote, line 2."),
            (b"\x89PNG\r\n\x1a\n" + bytes(100), "photo.csv", "“photo.csv” is not a text file."),
            (b"%PDF-1.7\n", "paper.csv", "“paper.csv” is not a text file."),
            (b"PK\x03\x04" + bytes(200), "clients.xlsx", "The workbook is damaged."),
            (b"e" * 20 * 1024 * 1024, "clients.csv", "The file is larger than 10 MB."),
        ],
        ids=lambda value: value[:12] if isinstance(value, str) else None,
    )
    def test_answers_a_bad_file_at_the_field(self, client, ann, data, name, sentence):
        response = upload(client, data, name)

        assert response.status_code == 200
        assert [sentence in error for error in errors_of(response)] == [True]
        assert [trace for trace in TRACES if trace in text_of(response)] == []
        assert (ImportJob.objects.count(), Client.objects.count()) == (0, 0)

    def test_answers_a_missing_file_at_the_field(self, client, ann):
        assert errors_of(client.post(IMPORT, {})) == ["This field is required."]

    def test_refuses_two_lists_at_once(self, client, ann):
        mine = make_list(ann)

        response = upload(client, "email\nivan@example.com\n", client_list=mine.pk, new_list="VIP")

        assert errors_of(response, "new_list") == ["Choose a list or name a new one, not both."]

    def test_refuses_another_owners_list_like_one_that_is_not_there(self, client, ann):
        hers = make_list(make_user())

        answers = [
            list(errors_of(upload(client, "email\nivan@example.com\n", client_list=pk), "client_list"))
            for pk in (hers.pk, 987654, "x")
        ]

        assert answers[0] == answers[1] == answers[2] != []

    def test_reveals_nothing_of_another_owners_base(self, client, ann):
        hers = make_client(make_user(), "ivan@example.com", full_name="zqneedle", comment="zqneedle")

        page = upload(
            client, f"id,owner,email,name\n{hers.pk},{hers.owner_id},ivan@example.com,Ivan\n"
        ).content.decode()

        assert "zqneedle" not in page
        assert "Load 1 row" in page


class TestProcess:
    def test_loads_the_rows_and_shows_the_totals(self, client, ann):
        upload(client, "Почта;Имя\nivan@example.com;Иван\nnonsense;X\nIVAN@example.com;Пётр\n", new_list="VIP")

        response = confirm(client, ImportJob.objects.get())

        page = text_of(response)
        assert response.redirect_chain == [(f"{IMPORT}?job={ImportJob.objects.get().pk}", 302)]
        assert "The clients of “clients.csv” are loaded." in page
        assert "New 1 Changed 0 Unchanged 0 Wrong 1 Repeated in the file 1 Rows 3" in page
        assert "The clients are on the list “VIP”." in page
        assert list(Client.objects.values_list("owner", "email", "full_name")) == [(ann.pk, "ivan@example.com", "Иван")]
        assert LogEntry.objects.count() == 1

    def test_puts_them_on_a_list_there_is_already(self, client, ann):
        mine = make_list(ann, name="Mine")
        make_client(ann, "ivan@example.com")

        page = text_of(upload(client, "email\nivan@example.com\n", client_list=mine.pk))
        confirm(client, ImportJob.objects.get())

        assert "Load 1 row" in page
        assert (mine.clients.count(), ClientList.objects.count()) == (1, 1)

    def test_loads_once_however_often_it_is_clicked(self, client, ann):
        upload(client, "email\nivan@example.com\n")
        confirm(client, ImportJob.objects.get())
        Client.objects.all().delete()

        response = confirm(client, ImportJob.objects.get())

        assert "This file has been loaded already." in text_of(response)
        assert (response.status_code, Client.objects.count(), LogEntry.objects.count()) == (200, 0, 1)

    def test_counts_honestly_what_changed_since_the_check(self, client, ann):
        upload(client, "email;name\nivan@example.com;Ivan\n")
        make_client(ann, "ivan@example.com", full_name="Ivan")

        page = text_of(confirm(client, ImportJob.objects.get()))

        assert "New 0 Changed 0 Unchanged 1" in page

    def test_says_when_the_file_was_swept_away(self, client, ann):
        upload(client, "email\nivan@example.com\n")
        job = ImportJob.objects.get()
        job.file.storage.delete(job.file.name)

        page = text_of(confirm(client, job))

        assert "The file is no longer here. Upload it again." in page
        assert (Client.objects.count(), ImportJob.objects.get().status) == (0, "failed")

    def test_answers_another_persons_import_like_one_that_is_not_there(self, client, ann):
        upload(client, "email\nivan@example.com\n")
        hers = ImportJob.objects.get()
        client.force_login(make_user())

        numbers = [hers.pk, 987654, "x", "", "-1", "9" * 30, "١"]
        answers = [confirm(client, number).status_code for number in numbers]
        looks = [client.get(IMPORT, {"job": number}).status_code for number in numbers]

        assert (set(answers), set(looks), Client.objects.count()) == ({404}, {404}, 0)

    def test_wants_a_post(self, client, ann):
        upload(client, "email\nivan@example.com\n")

        response = client.get(PROCESS, {"job": ImportJob.objects.get().pk})

        assert (response.status_code, Client.objects.count()) == (405, 0)


class TestJobPage:
    def test_shows_the_check_again(self, client, ann):
        upload(client, "email\nivan@example.com\n")

        page = text_of(client.get(IMPORT, {"job": ImportJob.objects.get().pk}))

        assert "Load 1 row" in page

    def test_sends_back_to_the_form_without_the_file(self, client, ann):
        upload(client, "email\nivan@example.com\n")
        job = ImportJob.objects.get()
        job.file.storage.delete(job.file.name)

        response = client.get(IMPORT, {"job": job.pk}, follow=True)

        assert "The file can no longer be read. Upload it again." in text_of(response)


class TestPermissions:
    @pytest.mark.parametrize(
        ("codenames", "statuses"),
        [
            ([], [403, 403, 403]),
            (["add_client"], [200, 404, 403]),
            (["view_client"], [403, 403, 200]),
            (["change_client", "delete_client", "add_message"], [403, 403, 403]),
        ],
    )
    def test_are_add_for_the_way_in_and_view_for_the_way_out(self, client, codenames, statuses):
        user = make_user(role=None)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)

        pages = [client.get(IMPORT), client.post(PROCESS, {"job": 1}), client.get(EXPORT)]

        assert [page.status_code for page in pages] == statuses

    def test_of_a_manager_are_to_look_at_everybodys(self, client):
        make_client(make_user(), "hers@example.com")
        client.force_login(make_manager())

        answers = [upload(client, "email\nivan@example.com\n").status_code, confirm(client, 1).status_code]
        export = client.post(EXPORT, {"format": "0"}).content.decode()

        assert (answers, "hers@example.com" in export, Client.objects.count()) == ([403, 403], True, 1)

    def test_of_a_superuser_fill_his_own_base(self, client):
        root = make_superuser()
        client.force_login(root)
        upload(client, "email\nivan@example.com\n")

        confirm(client, ImportJob.objects.get())

        assert list(Client.objects.values_list("owner", flat=True)) == [root.pk]

    def test_send_strangers_to_the_login(self, client):
        pages = [client.get(IMPORT), client.post(PROCESS), client.get(EXPORT)]

        assert [page.status_code for page in pages] == [302, 302, 302]

    def test_on_lists_decide_whether_they_are_offered(self, client):
        user = make_user(role=None)
        user.user_permissions.set(Permission.objects.filter(codename="add_client"))
        client.force_login(user)

        upload(client, "email\nivan@example.com\n", new_list="VIP")
        confirm(client, ImportJob.objects.get())

        assert (Client.objects.count(), ClientList.objects.count()) == (1, 0)


class TestExport:
    def test_gives_exactly_the_rows_that_the_list_shows(self, client, ann):
        chosen = make_client(ann, "ivan@example.com", full_name="Иван")
        make_client(ann, "ivan2@example.com", full_name="Пётр")
        make_client(ann, "olga@example.com", full_name="Иванна")
        make_client(make_user(), "hers@example.com", full_name="Иван")
        mine = make_list(ann, [chosen, Client.objects.get(email="olga@example.com")])
        shown = f"{EXPORT}?lists__id__exact={mine.pk}&q=ivan@"

        page = client.get(shown)
        file = client.post(
            re.search(r'action="([^"]+export[^"]+)"', page.content.decode())[1].replace("&amp;", "&"), {"format": "0"}
        )

        assert "Export 1 client" in text_of(page)
        assert file.content.decode() == (
            "\ufeffemail;full_name;comment;consent_at;consent_source;attributes\r\nivan@example.com;Иван;;;;\r\n"
        )
        assert file.headers["Content-Type"] == "text/csv; charset=utf-8"

    def test_gives_a_workbook_of_texts(self, client, ann):
        make_client(ann, "ivan@example.com", full_name="=1+1", comment="+7 900 000-00-00")

        file = client.post(EXPORT, {"format": "1"})

        row = openpyxl.load_workbook(io.BytesIO(file.content)).active[2]
        assert [(cell.value, cell.data_type) for cell in row[:3]] == [
            ("ivan@example.com", "s"),
            ("=1+1", "s"),
            ("+7 900 000-00-00", "s"),
        ]

    def test_imported_again_changes_nothing(self, client, ann):
        make_client(ann, "ivan@example.com", full_name="Иван", comment="+7 900\r\n'=1", attributes={"город": "Казань"})
        file = client.post(EXPORT, {"format": "0"}).content

        page = text_of(upload(client, file))

        assert "New 0 Changed 0 Unchanged 1 Wrong 0" in page
        assert "There is nothing to load." in page

    @pytest.mark.parametrize("query", ["lists__id__exact=x", "created_at__gte=nonsense", "id__exact=abc"])
    def test_answers_a_broken_filter_as_the_list_does(self, client, ann, query):
        make_list(ann)

        response = client.get(f"{EXPORT}?{query}")

        assert (response.status_code, response.headers["Location"]) == (302, f"{CHANGELIST}?e=1")

    @pytest.mark.parametrize(
        "query", ["owner__password__startswith=a", "comment__startswith=a", "owner__email=a", "x=1"]
    )
    def test_is_no_way_to_ask_for_hidden_columns(self, client, ann, query):
        make_client(ann, "ivan@example.com", comment="a")

        response = client.get(f"{EXPORT}?{query}")

        assert response.status_code in (302, 400)

    def test_ignores_chosen_ids(self, client, ann):
        hers = make_client(make_user(), "hers@example.com")

        answers = {client.post(EXPORT, {"format": "0", "export_items": [pk]}).content for pk in (hers.pk, 987654, "x")}

        assert answers == {"\ufeffemail;full_name;comment;consent_at;consent_source;attributes\r\n".encode()}

    @pytest.mark.parametrize("choice", ["", "2", "99", "x"])
    def test_answers_an_unknown_format_at_the_field(self, client, ann, choice):
        response = client.post(EXPORT, {"format": choice})

        assert (response.status_code, list(errors_of(response, "format")) != []) == (200, True)

    def test_asks_as_many_questions_for_many_rows_as_for_one(self, client, ann, django_assert_max_num_queries):
        for number in range(30):
            make_client(ann, f"a{number}@example.com")

        with django_assert_max_num_queries(12):
            client.post(EXPORT, {"format": "0"})
