"""Which columns are recognised, and what becomes of each cell."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest
import tablib
from django.utils import timezone

from mailings.formats import BadFile
from mailings.models import Client
from mailings.resources import ClientResource, Fault
from mailings.tests.factories import make_client, make_user


def faults(header, text):
    resource = ClientResource()
    columns = resource.columns(["email", header])
    return resource.clean(columns, ["a@example.com", text]).faults


def value(header, text):
    resource = ClientResource()
    columns = resource.columns(["email", header])
    cleaned = resource.clean(columns, ["a@example.com", text])
    assert cleaned.faults == []
    cleaned.values.pop("email")
    return next(iter(cleaned.values.values()), None)


class TestColumns:
    @pytest.mark.parametrize(
        "header", ["email", "E-Mail", " EMAIL ", "Почта", "ПОЧТА", "Эл. почта", "Адрес электронной почты"]
    )
    def test_of_addresses_are_known_by_many_names(self, header):
        assert ClientResource().columns(["№", header]).places == {"email": 1}

    @pytest.mark.parametrize(
        ("header", "name"),
        [
            ("Имя", "full_name"),
            ("ФИО", "full_name"),
            ("Ф.И.О.", "full_name"),
            ("Full name", "full_name"),
            ("Комментарий", "comment"),
            ("Дата согласия", "consent_at"),
            ("Date of consent", "consent_at"),
            ("consent_source", "consent_source"),
            ("Attributes", "attributes"),
        ],
    )
    def test_are_known_in_russian_and_english(self, header, name):
        assert ClientResource().columns(["email", header]).places[name] == 1

    def test_that_are_unknown_are_ignored_and_named_id_and_owner_always(self):
        columns = ClientResource().columns(["id", "owner", "Owner_id", "email", "Город", ""])

        assert (columns.places, columns.ignored) == ({"email": 3}, ["id", "owner", "Owner_id", "Город"])

    @pytest.mark.parametrize(
        ("headers", "sentence"),
        [
            (
                ["Имя", "Телефон"],
                "There is no e-mail column. Name the column of the addresses “E-mail”. Found: Имя, Телефон.",
            ),
            (
                ["a@x.test", "Ann"],
                "The first line must hold the column names, such as “E-mail; Name”. Found: a@x.test, Ann.",
            ),
            (["Почта", "E-mail"], "The columns “Почта” and “E-mail” mean the same. Keep one of them."),
        ],
    )
    def test_that_cannot_be_used_are_refused(self, headers, sentence):
        with pytest.raises(BadFile) as refused:
            ClientResource().columns(headers)

        assert refused.value.messages == [sentence]

    def test_of_streets_are_not_taken_for_addresses(self):
        columns = ClientResource().columns(["Почта", "Адрес"])

        assert (columns.places, columns.ignored) == ({"email": 0}, ["Адрес"])

    def test_never_name_a_row(self):
        assert ClientResource().get_export_headers() == [
            "email",
            "full_name",
            "comment",
            "consent_at",
            "consent_source",
            "attributes",
        ]


class TestCells:
    @pytest.mark.parametrize(
        ("header", "text", "reason"),
        [
            ("name", "x" * 101, "Ensure this value has at most 100 characters (it has 101)."),
            ("name", "Ann\nBcc: all", "This contains a line break or a control character. Remove it."),
            ("name", "Ann\x00", "This contains a control character. Remove it."),
            ("comment", "x" * 2001, "At most 2000 characters, now 2001."),
            ("comment", "a\x00b", "This contains a control character. Remove it."),
            ("consent source", "x" * 201, "Ensure this value has at most 200 characters (it has 201)."),
            ("consent at", "soon", "Write the date as 2026-11-23 or 23.11.2026, with a time if you like: 14:30."),
            ("consent at", "2026-13-45", "Write the date as 2026-11-23 or 23.11.2026, with a time if you like: 14:30."),
            ("consent at", "0001-01-01", "Write the date as 2026-11-23 or 23.11.2026, with a time if you like: 14:30."),
            ("consent at", "9999-12-31T23:59:59-23:59", "This date lies in the future."),
            ("attributes", "city: Kazan", 'Write attributes as {"city": "Kazan"}.'),
            ("attributes", '{"n": NaN}', 'Write attributes as {"city": "Kazan"}.'),
            ("attributes", '{"n": 1e999}', 'Write attributes as {"city": "Kazan"}.'),
            ("attributes", "[" * 9000, 'Write attributes as {"city": "Kazan"}.'),
            ("attributes", '{"n": "\\u0000"}', "This contains a control character. Remove it."),
            ("attributes", '{"n": "\\ud800"}', "This contains a control character. Remove it."),
            ("attributes", '{"deep": {"a": 1}}', "The attribute “deep” must have a short name and a text."),
            ("phone", "x" * 10_001, "A cell holds at most 10000 characters."),
        ],
    )
    def test_that_are_wrong_are_named_with_the_reason(self, header, text, reason):
        assert faults(header, text) == [Fault(header, text[:100], reason)]

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2025-11-23", "2025-11-23 00:00"),
            ("23.11.2025", "2025-11-23 00:00"),
            ("3.1.2025 14:30", "2025-01-03 14:30"),
            ("2025-11-23 14:30:00", "2025-11-23 14:30"),
        ],
    )
    def test_of_dates_are_read_in_the_active_zone(self, text, moment):
        zone = ZoneInfo("Asia/Vladivostok")

        with timezone.override(zone):
            assert value("consent at", text) == dt.datetime.fromisoformat(moment).replace(tzinfo=zone)

    def test_of_dates_may_state_their_zone(self):
        assert value("consent at", "2025-11-23 14:30:00+03:00") == dt.datetime(2025, 11, 23, 11, 30, tzinfo=dt.UTC)

    @pytest.mark.parametrize("header", ["name", "comment", "consent at", "consent source", "attributes"])
    def test_that_are_blank_say_nothing(self, header):
        assert value(header, "  \t ") is None

    def test_of_attributes_are_a_flat_object(self):
        assert value("attributes", '{"город": "Казань", "vip": true}') == {"город": "Казань", "vip": True}

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "  ",
            "ivan",
            "a@x",
            "a..b@x.test",
            "a@x_y.test",
            "a@x.test, b@x.test",
            "a\nb@x.test",
            "иван@x.test",
            "a\x00@x.test",
        ],
    )
    def test_of_addresses_are_refused_if_nobody_can_be_reached_there(self, address):
        resource = ClientResource()

        cleaned = resource.clean(resource.columns(["Почта"]), [address])

        assert [fault.column for fault in cleaned.faults] == ["Почта"]

    def test_beyond_the_columns_make_the_row_wrong(self):
        resource = ClientResource()

        cleaned = resource.clean(resource.columns(["email"]), ["a@example.com", "extra"])

        reason = "This row has more cells than there are columns. Put quotes around a cell that holds the separator."
        assert cleaned.faults == [Fault("", "extra", reason)]


@pytest.mark.django_db
class TestLibraryImport:
    """The library's own way through the resource, for whoever calls it from a shell."""

    def test_writes_into_its_owners_base_only(self):
        alice, bob = make_user(), make_user()
        hers = make_client(alice, "ivan@example.com", full_name="Hers")
        dataset = tablib.Dataset(
            (hers.pk, alice.pk, "IVAN@example.com", "His"), headers=["id", "owner", "Почта", "Имя"]
        )

        ClientResource(bob).import_data(dataset, raise_errors=True)

        rows = Client.objects.order_by("pk").values_list("owner", "email", "full_name")
        assert list(rows) == [(alice.pk, "ivan@example.com", "Hers"), (bob.pk, "ivan@example.com", "His")]

    def test_knows_no_rows_without_an_owner(self):
        make_client(make_user())

        assert list(ClientResource().get_queryset()) == []


@pytest.mark.django_db
class TestExport:
    def test_gives_the_columns_that_the_import_reads(self):
        client = make_client(
            make_user(),
            "ivan@example.com",
            full_name="Иван",
            attributes={"город": "Казань"},
            consent_at=dt.datetime(2025, 11, 23, 11, 30, tzinfo=dt.UTC),
        )

        dataset = ClientResource(client.owner).export()

        assert json.loads(dataset.export("json")) == [
            {
                "email": "ivan@example.com",
                "full_name": "Иван",
                "comment": "",
                "consent_at": "2025-11-23 14:30:00+03:00",
                "consent_source": "",
                "attributes": '{"город": "Казань"}',
            }
        ]
