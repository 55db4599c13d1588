"""What stands on one line, and may come into a header, takes no character that would break or turn it."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse

from accounts.models import User
from mailings.models import Attachment, Client, ClientList, Mailing
from mailings.tests.admin.test_forms import NO_ATTACHMENTS, window
from mailings.tests.factories import make_client, make_list, make_message, make_user

pytestmark = pytest.mark.django_db

# What ends a line for some mail program, some browser or some terminal; what hides; what turns the direction.
CHARACTERS = "\x00\x01\x07\t\n\x0b\x0c\r\x1b\x1c\x1e\x1f\x7f\x80\x85\x9f\u2028\u2029\u202e\u2066\u2069"
ADDED = "Bcc: x@y.example"


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", language="en", full_name="Ann")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user


def post(client, page, **fields):
    return client.post(reverse(f"admin:{page}"), fields)


def mailing_fields(ann):
    chosen = make_list(ann, [make_client(ann)])
    return {"message": make_message(ann).pk, "lists": chosen.pk, "rhythm": "once", **window()}


def add_attachment(client, ann, name):
    inline = {"attachments-TOTAL_FORMS": "1", "attachments-INITIAL_FORMS": "0"}
    file = SimpleUploadedFile("price.txt", b"x")
    inline |= {"attachments-0-file": file, "attachments-0-name": name}
    return post(client, "mailings_message_add", subject="News", text="Hello", **inline)


# Each adds a row with a text in one field of its form, and names that form in the answer's context.
ADDITIONS = {
    "subject": lambda client, ann, text: post(
        client, "mailings_message_add", subject=text, text="Hello", **NO_ATTACHMENTS
    ),
    "title": lambda client, ann, text: post(client, "mailings_mailing_add", title=text, **mailing_fields(ann)),
    "full_name": lambda client, ann, text: post(
        client, "mailings_client_add", email="ivan@client.example", attributes="{}", full_name=text
    ),
    "consent_source": lambda client, ann, text: post(
        client, "mailings_client_add", email="ivan@client.example", attributes="{}", consent_source=text
    ),
    "name": lambda client, ann, text: post(client, "mailings_clientlist_add", name=text),
    "description": lambda client, ann, text: post(client, "mailings_clientlist_add", name="VIP", description=text),
    "attachments-0-name": add_attachment,
}


def errors_of(response, field):
    """Find what is said at a field, of the page's form or of the rows under it."""
    if response.status_code != 200:
        return [f"{response.status_code}"]
    inlines = [form for formset in response.context["inline_admin_formsets"] for form in formset.formset.forms]
    forms = {"": response.context["adminform"].form} | {f"{form.prefix}-": form for form in inlines}
    found = [form.errors for prefix, form in forms.items() if field in (f"{prefix}{name}" for name in form.fields)]
    return list(found[0].get(field.rpartition("-")[2], [])) if found else ["no such field"]


@pytest.mark.parametrize("field", ADDITIONS)
class TestAField:
    def test_takes_none_of_these_characters(self, client, ann, field):
        said = {}
        for character in CHARACTERS:
            response = ADDITIONS[field](client, ann, f"Anna{character}{ADDED}")
            said[hex(ord(character))] = [
                text for text in errors_of(response, field) if "control" in text or "Null" in text
            ]

        assert [code for code, texts in said.items() if not texts] == []
        rows = (Client.objects.filter(email="ivan@client.example"), Mailing.objects, Attachment.objects)
        assert [row.count() for row in rows] == [0, 0, 0]
        assert not ClientList.objects.filter(name__contains="VIP").exists()

    def test_takes_any_letters(self, client, ann, field):
        """The same post with words in it goes through: what is refused above is the character."""
        response = ADDITIONS[field](client, ann, "Анна “Zoë” 安娜 — 👍")

        assert response.status_code == 302


class TestAPersonsOwnName:
    @pytest.mark.parametrize("character", CHARACTERS)
    def test_takes_none_of_these_characters(self, character):
        user = User(email="x@staff.example", full_name=f"Ann{character}{ADDED}")

        with pytest.raises(ValidationError) as refusal:
            user.clean_fields(exclude=["password"])

        assert list(refusal.value.message_dict) == ["full_name"]


class TestAFile:
    @pytest.mark.parametrize("character", CHARACTERS.replace("\n", "").replace("\r", ""))
    def test_with_such_a_name_in_it_leaves_that_row_out(self, client, ann, character, tmp_path):
        """A line break inside quotes is one too; outside them it ends the row."""
        path = tmp_path / "clients.csv"
        row = f'ivan@client.example,"Anna{character}{ADDED}"'
        path.write_text(f"email,name\n{row}\nboris@client.example,Boris\n", newline="")

        with pytest.raises(SystemExit):
            call_command("import_clients", str(path), "--owner", ann.email)

        assert list(Client.objects.values_list("full_name", flat=True)) == ["Boris"]
