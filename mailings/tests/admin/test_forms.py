"""What people get wrong in a form is said at its field, in words; nothing is written and nothing breaks."""

from datetime import timedelta

import pytest
from django.contrib.admin.sites import site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from mailings.models import Client, ClientList, Mailing, Message, Suppression
from mailings.tests.factories import make_client, make_list, make_mailing, make_message, make_user

pytestmark = pytest.mark.django_db
NO_ATTACHMENTS = {"attachments-TOTAL_FORMS": "0", "attachments-INITIAL_FORMS": "0"}


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", language="en")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user


@pytest.fixture
def boris():
    return make_user("boris@staff.example")


def add(client, model, **fields):
    return client.post(reverse(f"admin:mailings_{model.__name__.lower()}_add"), fields)


def change(client, row, **fields):
    return client.post(reverse(f"admin:mailings_{row._meta.model_name}_change", args=[row.pk]), fields)


def faults(response):
    """Read what is said at which field; a form without faults was saved, and this finds none."""
    if response.status_code != 200:
        return {"answer": [f"{response.status_code} {response.get('Location', '')}"]}
    return {name: list(errors) for name, errors in response.context["adminform"].form.errors.items()}


def window(start=timedelta(hours=1), end=timedelta(days=1)):
    """Write a window as the form's four fields, counted from now in the user's zone."""
    now = timezone.localtime()
    moments = {"first_send_at": now + start, "finish_send_at": now + end}
    dates = {f"{name}_0": f"{moment:%Y-%m-%d}" for name, moment in moments.items()}
    return dates | {f"{name}_1": f"{moment:%H:%M:%S}" for name, moment in moments.items()}


class TestAClient:
    def test_is_saved_for_its_owner_in_its_normal_form(self, client, ann):
        add(client, Client, email=" Ivan@Client.EXAMPLE ", full_name="Иван", attributes='{"city": "Kazan"}')

        assert list(Client.objects.values_list("owner", "email", "full_name", "attributes")) == [
            (ann.pk, "ivan@client.example", "Иван", {"city": "Kazan"})
        ]

    @pytest.mark.parametrize(
        ("fields", "field", "sentence"),
        [
            ({"email": ""}, "email", "This field is required."),
            ({"email": "ivan"}, "email", "There must be exactly one @ in the address, as in name@example.com."),
            ({"email": "ivan@localhost"}, "email", "The part after the @ is not a valid domain name"),
            ({"email": "ив@x.example"}, "email", "Letters outside the Latin alphabet before the @"),
            ({"email": "a@x.example, b@x.example"}, "email", "One address only"),
            ({"email": "ivan@x.example\r\nBcc: b@x.example"}, "email", ""),
            ({"full_name": "Ivan\r\nBcc: b@x.example"}, "full_name", "Remove it."),
            ({"full_name": "Ivan\u202egpj.exe"}, "full_name", "Remove it."),
            ({"full_name": "x" * 101}, "full_name", "at most 100 characters"),
            ({"attributes": "[1, 2]"}, "attributes", "Write attributes as"),
            ({"attributes": '"city"'}, "attributes", "Write attributes as"),
            ({"attributes": '{"city": ["Kazan"]}'}, "attributes", "The attribute “city” must have a short name"),
            ({"attributes": '{"city": null}'}, "attributes", "The attribute “city” must have a short name"),
            ({"attributes": '{"": "Kazan"}'}, "attributes", "must have a short name"),
            ({"attributes": "{city: Kazan}"}, "attributes", "Enter a valid JSON."),
            ({"attributes": '{"city": "a\\u0000b"}'}, "attributes", ""),
            ({"attributes": '{"city": "\\ud800"}'}, "attributes", ""),
            ({"attributes": '{"n": NaN}'}, "attributes", ""),
            ({"consent_at_0": "yesterday", "consent_at_1": "noon"}, "consent_at", "Enter a valid date."),
            ({"comment": "\x00"}, "comment", "Null characters are not allowed."),
        ],
        ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
    )
    def test_is_refused_at_the_field(self, client, ann, fields, field, sentence):
        response = add(client, Client, **{"email": "ivan@client.example", "attributes": "{}", **fields})

        found = faults(response)
        assert list(found) == [field]
        assert [sentence in text for text in found[field]][:1] == [True]
        assert Client.objects.count() == 0

    @pytest.mark.parametrize("email", ["ivan@client.example", "IVAN@Client.Example"])
    def test_stands_once_with_its_owner_in_whatever_case(self, client, ann, email):
        make_client(ann, "ivan@client.example")

        response = add(client, Client, email=email, attributes="{}")

        assert faults(response) == {"__all__": ["You already have a client with this address."]}
        assert Client.objects.count() == 1

    def test_may_stand_with_another_owner_too(self, client, ann, boris):
        make_client(boris, "ivan@client.example")

        response = add(client, Client, email="ivan@client.example", attributes="{}")

        assert faults(response) == {"answer": ["302 /admin/mailings/client/"]}
        assert set(Client.objects.values_list("owner", flat=True)) == {ann.pk, boris.pk}

    def test_keeps_its_owner_whatever_is_posted(self, client, ann, boris):
        own = make_client(ann, "ivan@client.example")

        change(client, own, email="ivan@client.example", attributes="{}", full_name="Ivan", owner=boris.pk)

        own.refresh_from_db()
        assert (own.owner, own.full_name) == (ann, "Ivan")

    def test_cannot_take_the_address_of_another_of_ones_clients(self, client, ann):
        make_client(ann, "ivan@client.example")
        other = make_client(ann, "olga@client.example")

        response = change(client, other, email="Ivan@client.example", attributes="{}")

        assert faults(response) == {"__all__": ["You already have a client with this address."]}

    def test_writes_only_what_the_form_changed(self, client, ann):
        """A colleague or an import may have changed the rest while the form was open."""
        own = make_client(ann, "ivan@client.example", full_name="old", comment="old")
        Client.objects.filter(pk=own.pk).update(consent_source="an import")

        change(
            client, own, email=own.email, attributes="{}", full_name="new", comment="old", consent_source="an import"
        )

        own.refresh_from_db()
        assert (own.full_name, own.consent_source) == ("new", "an import")


class TestAClientList:
    def test_takes_clients_of_its_owner(self, client, ann):
        ivan = make_client(ann)

        add(client, ClientList, name="VIP", add_clients=[ivan.pk])

        assert [list(each.clients.all()) for each in ClientList.objects.filter(owner=ann)] == [[ivan]]

    def test_has_a_name_of_its_own(self, client, ann):
        make_list(ann, name="VIP")

        response = add(client, ClientList, name="VIP")

        assert faults(response) == {"__all__": ["You already have a list with this name."]}
        assert ClientList.objects.count() == 1

    def test_may_be_called_like_another_owners(self, client, ann, boris):
        make_list(boris, name="VIP")

        add(client, ClientList, name="VIP")

        assert set(ClientList.objects.values_list("owner", flat=True)) == {ann.pk, boris.pk}

    def test_takes_no_foreign_client_and_does_not_tell_whether_he_exists(self, client, ann, boris):
        foreign = make_client(boris)

        answers = [faults(add(client, ClientList, name="VIP", add_clients=[pk])) for pk in (foreign.pk, 987654)]

        said = [
            answer["add_clients"][0].replace(str(pk), "N")
            for answer, pk in zip(answers, (foreign.pk, 987654), strict=True)
        ]
        assert said == ["Select a valid choice. N is not one of the available choices."] * 2
        assert ClientList.objects.count() == 0


class TestAMessage:
    def test_is_saved_with_its_attachment(self, client, ann):
        file = SimpleUploadedFile("price.txt", b"one rouble")
        inline = {"attachments-TOTAL_FORMS": "1", "attachments-INITIAL_FORMS": "0", "attachments-0-file": file}

        add(client, Message, subject="News", text="Hello", **inline)

        message = Message.objects.get(owner=ann)
        assert [each.owner for each in message.attachments.all()] == [ann]

    @pytest.mark.parametrize(
        ("fields", "field", "sentence"),
        [
            ({"subject": ""}, "subject", "This field is required."),
            ({"subject": "x" * 201}, "subject", "at most 200 characters"),
            ({"subject": "News\r\nBcc: b@x.example"}, "subject", "This contains a line break"),
            ({"subject": "Ne\x0bws"}, "subject", "This contains a line break"),
            ({"subject": "{{ nickname }}"}, "subject", "Line 1: there is no field “nickname”."),
            ({"text": " "}, "text", "Write the text of the message, its HTML, or both."),
            ({"text": "Hello\n{{ nickname }}"}, "text", "Line 2: there is no field “nickname”."),
            ({"text": "Hello\n\n{{ full_nam }}"}, "text", "Line 3: there is no field “full_nam”. Did you mean"),
            ({"text": "Hello\n{{ full_name"}, "text", "Line 2: a placeholder is broken."),
            ({"text": "{{ }}"}, "text", "Line 1: a placeholder is broken."),
            ({"html": "<p>\n<a href='{{ full_name }}'>x</a>"}, "html", "Line 2: only {{ unsubscribe_url }}"),
            ({"html": "<p {{ email }}>x</p>"}, "html", "Line 1: only {{ unsubscribe_url }}"),
            ({"html": "<script>{{ full_name }}</script>"}, "html", "Line 1:"),
            ({"html": "{{ nickname }}"}, "html", "Line 1: there is no field “nickname”."),
            ({"text": "x" * 500_001}, "text", "at most 500000 characters"),
        ],
        ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
    )
    def test_is_refused_at_the_field(self, client, ann, fields, field, sentence):
        response = add(client, Message, **{"subject": "News", "text": "Hello", **NO_ATTACHMENTS, **fields})

        found = faults(response)
        assert list(found) == [field]
        assert [sentence in text for text in found[field]][:1] == [True]
        assert Message.objects.count() == 0

    def test_may_use_an_attribute_of_ones_own_clients_only(self, client, ann, boris):
        make_client(ann, attributes={"city": "Kazan"})
        make_client(boris, attributes={"salary": "1"})

        own = add(client, Message, subject="News", text="{{ city }}", **NO_ATTACHMENTS)
        foreign = add(client, Message, subject="News", text="{{ salary }}", **NO_ATTACHMENTS)

        assert faults(own) == {"answer": ["302 /admin/mailings/message/"]}
        assert faults(foreign) == {"text": ["Line 1: there is no field “salary”."]}

    def test_takes_no_attachment_that_is_too_big(self, client, ann):
        file = SimpleUploadedFile("film.bin", bytes(5 * 1024 * 1024 + 1))
        inline = {"attachments-TOTAL_FORMS": "1", "attachments-INITIAL_FORMS": "0", "attachments-0-file": file}

        response = add(client, Message, subject="News", text="Hello", **inline)

        formset = response.context["inline_admin_formsets"][0].formset
        assert formset.errors == [{"file": ["The file is larger than 5 MB."]}]
        assert Message.objects.count() == 0


class TestAMailing:
    def valid(self, owner):
        return {
            "title": "Sale",
            "message": make_message(owner).pk,
            "lists": [make_list(owner, [make_client(owner)]).pk],
            "rhythm": "once",
            **window(),
        }

    def test_is_saved_as_created(self, client, ann):
        add(client, Mailing, **self.valid(ann))

        assert list(Mailing.objects.values_list("owner", "title", "status", "next_send_at")) == [
            (ann.pk, "Sale", "created", None)
        ]

    @pytest.mark.parametrize(
        ("fields", "field", "sentence"),
        [
            (window(timedelta(days=2), timedelta(days=1)), "finish_send_at", "The window must end after it begins."),
            (window(timedelta(days=1), timedelta(days=1)), "finish_send_at", "The window must end after it begins."),
            (
                window(-timedelta(days=2), -timedelta(days=1)),
                "finish_send_at",
                "This time has passed. Choose a later one.",
            ),
            ({"finish_send_at_0": "31.02.2026"}, "finish_send_at", "Enter a valid date."),
            ({"finish_send_at_0": "", "finish_send_at_1": ""}, "finish_send_at", "This field is required."),
            ({"title": ""}, "title", "This field is required."),
            ({"title": "Sale\u2028Bcc"}, "title", "This contains a line break"),
            ({"message": ""}, "message", "This field is required."),
            ({"message": "x"}, "message", "Select a valid choice."),
            ({"message": "9" * 30}, "message", "Select a valid choice."),
            ({"rhythm": "hourly"}, "rhythm", "Select a valid choice."),
            ({"lists": []}, "lists", "Choose at least one client list, or single clients below."),
            ({"lists": ["x"]}, "lists", "“x” is not a valid value."),
            ({"clients": ["9" * 30]}, "clients", ""),
        ],
        ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
    )
    def test_is_refused_at_the_field(self, client, ann, fields, field, sentence):
        response = add(client, Mailing, **(self.valid(ann) | fields))

        found = faults(response)
        assert list(found) == [field]
        assert [sentence in text for text in found[field]][:1] == [True]
        assert Mailing.objects.count() == 0

    @pytest.mark.parametrize("field", ["message", "lists", "clients", "excluded_lists"])
    def test_takes_nothing_foreign_and_does_not_tell_whether_it_exists(self, client, ann, boris, field):
        make = {"message": make_message, "clients": make_client}.get(field, make_list)
        foreign = make(boris)
        valid = self.valid(ann)

        answers = [faults(add(client, Mailing, **(valid | {field: pk}))) for pk in (foreign.pk, 987654)]

        said = [str(answer).replace(str(pk), "N") for answer, pk in zip(answers, (foreign.pk, 987654), strict=True)]
        assert list(answers[0]) == [field]
        assert said[0] == said[1]
        assert Mailing.objects.count() == 0

    @pytest.mark.parametrize("field", ["message", "lists", "clients", "excluded_lists"])
    def test_takes_nothing_foreign_when_it_is_changed(self, client, ann, boris, field):
        own = make_mailing(ann, [make_client(ann)])
        make = {"message": make_message, "clients": make_client}.get(field, make_list)
        valid = self.valid(ann)

        found = faults(change(client, own, **(valid | {field: make(boris).pk})))

        assert list(found) == [field]
        own.refresh_from_db()
        assert own.title != "Sale"

    def test_takes_two_hundred_single_clients_at_most(self, client, ann):
        valid = self.valid(ann)
        ids = [make_client(ann).pk for _ in range(201)]

        many = faults(add(client, Mailing, **(valid | {"clients": ids})))
        enough = faults(add(client, Mailing, **(valid | {"clients": ids[1:]})))

        assert many == {"clients": ["At most 200 single clients; make a list for more."]}
        assert enough == {"answer": ["302 /admin/mailings/mailing/"]}

    def test_reads_its_times_on_the_clock_of_the_user(self, client, ann):
        ann.time_zone = "Asia/Vladivostok"
        ann.save()
        times = {"first_send_at_0": "2099-06-01", "first_send_at_1": "09:00", "finish_send_at_0": "2099-06-02"}

        add(client, Mailing, **(self.valid(ann) | times | {"finish_send_at_1": "09:00"}))

        assert f"{Mailing.objects.get().first_send_at:%d.%m %H:%M %z}" == "31.05 23:00 +0000"


class TestASuppression:
    def test_is_kept_for_its_owner_by_hand(self, client, ann):
        add(client, Suppression, address="Ivan@Client.example", reason="complaint", owner="")

        assert list(Suppression.objects.values_list("owner", "address", "reason")) == [
            (ann.pk, "ivan@client.example", "by_hand")
        ]

    @pytest.mark.parametrize(
        ("address", "sentence"),
        [
            ("", "This field is required."),
            ("ivan", "There must be exactly one @"),
            ("ivan@-.example", "The part after the @ is not a valid domain name"),
        ],
    )
    def test_is_refused_at_the_field(self, client, ann, address, sentence):
        found = faults(add(client, Suppression, address=address))

        assert list(found) == ["address"]
        assert sentence in found["address"][0]
        assert Suppression.objects.count() == 0

    def test_stands_once_with_its_owner(self, client, ann, boris):
        Suppression.objects.create(owner=boris, address="ivan@client.example")

        first = faults(add(client, Suppression, address="ivan@client.example"))
        second = faults(add(client, Suppression, address="IVAN@client.example"))

        assert first == {"answer": ["302 /admin/mailings/suppression/"]}
        assert second == {"__all__": ["This address is on the suppression list already."]}
        assert Suppression.objects.count() == 2


class TestEveryForm:
    @pytest.mark.parametrize("model", [Client, ClientList, Message, Mailing, Suppression])
    def test_answers_an_empty_post_with_its_faults(self, client, ann, model):
        found = faults(add(client, model, **NO_ATTACHMENTS))

        assert found.keys() != {"answer"}
        assert model.objects.count() == 0

    def test_offers_no_choice_of_the_owner(self, client, ann):
        models = [model for model in site._registry if model._meta.app_label == "mailings"]

        pages = [client.get(reverse(f"admin:mailings_{model._meta.model_name}_add")) for model in models]

        assert [page for page in pages if 'name="owner"' in page.content.decode()] == []
