"""The page that takes a client list in, and the one that gives it out, as each role meets them."""

import io
import re

import openpyxl
import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from mailings.models import Client, ImportJob
from mailings.tests.admin.wizard import IMPORT, Wizard, text_of
from mailings.tests.factories import make_client, make_list, make_manager, make_user

pytestmark = pytest.mark.django_db

EXPORT = reverse("admin:mailings_client_export")
EXAMPLE = reverse("admin:mailings_client_import_example")
CHANGELIST = reverse("admin:mailings_client_changelist")


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", language="en")
    client.force_login(user)
    return user


def errors_of(response, field="import_file"):
    return response.context["form"].errors.get(field, [])


class TestUpload:
    def test_shows_the_form_and_what_was_begun(self, client, ann):
        Wizard(client).upload("email\nivan@example.com\n", "begun.csv")
        client.force_login(other := make_user(language="en"))
        Wizard(client).upload("email\nivan@example.com\n", "hers.csv")

        client.force_login(ann)
        page = text_of(client.get(IMPORT))

        assert ("begun.csv columns to be chosen" in page, "hers.csv" in page) == (True, False)
        assert other != ann

    def test_leads_to_the_columns(self, client, ann):
        response = Wizard(client).upload("Почта;Имя\nivan@example.com;Иван\n".encode("cp1251"), "my list.csv")

        job = ImportJob.objects.get()
        assert response.redirect_chain == [(reverse("admin:mailings_importjob_columns", args=[job.pk]), 302)]
        assert (job.owner, job.file_name, job.status, job.language) == (ann, "my list.csv", "uploaded", "en")

    def test_takes_the_field_names_of_the_library(self, client, ann):
        file = io.BytesIO(b"email\nivan@example.com\n")
        file.name = "clients.csv"

        response = client.post(IMPORT, {"import_file": file, "format": "0", "resource": "0"})

        assert (response.status_code, ImportJob.objects.count()) == (302, 1)

    def test_answers_a_missing_file_at_the_field(self, client, ann):
        assert errors_of(client.post(IMPORT, {})) == ["This field is required."]

    def test_answers_a_bad_file_at_the_field_and_keeps_nothing(self, client, ann):
        response = Wizard(client).upload(b"")

        assert [error[:18] for error in errors_of(response)] == ["The file is empty."]
        assert ImportJob.objects.count() == 0

    def test_has_no_second_step_that_takes_the_name_of_a_file(self, client, ann):
        answer = client.post("/admin/mailings/client/process_import/", {"import_file_name": "passwd"})

        # Django takes the rest of the address for an id, and there is no such client.
        assert answer.headers["Location"].rstrip("/").endswith(("/change", "/admin"))
        assert Client.objects.count() == 0


class TestExample:
    @pytest.mark.parametrize("language", ["ru", "en"])
    def test_is_taken_in_as_it_is(self, client, language):
        client.force_login(make_user(language=language))

        example = client.get(EXAMPLE)
        wizard = Wizard(client)
        wizard.go(example.content)

        assert example.content.startswith(b"\xef\xbb\xbf")
        assert (wizard.job.status, wizard.job.new, wizard.job.wrong) == ("completed", 2, 0)
        assert Client.objects.exclude(full_name="").exclude(consent_at=None).count() == 2


class TestPermissions:
    @pytest.mark.parametrize(
        ("codenames", "statuses"),
        [
            ([], [403, 403, 403]),
            (["add_client"], [403, 403, 403]),
            (["add_client", "change_client"], [200, 200, 403]),
            (["view_client"], [403, 403, 200]),
            (["change_client", "delete_client", "add_message"], [403, 403, 403]),
        ],
    )
    def test_are_add_and_change_for_the_way_in_and_view_for_the_way_out(self, client, codenames, statuses):
        user = make_user(role=None)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)

        assert [client.get(page).status_code for page in (IMPORT, EXAMPLE, EXPORT)] == statuses

    def test_of_a_manager_are_to_look_at_everybodys(self, client):
        make_client(make_user(), "hers@example.com")
        client.force_login(make_manager())

        answer = Wizard(client).upload("email\nivan@example.com\n").status_code
        export = client.post(EXPORT, {"format": "0"}).content.decode()

        assert (answer, "hers@example.com" in export, Client.objects.count()) == (403, True, 1)

    def test_send_strangers_to_the_login(self, client):
        assert [client.get(page).status_code for page in (IMPORT, EXAMPLE, EXPORT)] == [302, 302, 302]


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

        wizard = Wizard(client)
        wizard.upload(file)
        page = text_of(wizard.choose())

        assert (wizard.job.unchanged, wizard.job.rows) == (1, 1)
        assert "There is nothing to load: the base holds all of it." in page

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
