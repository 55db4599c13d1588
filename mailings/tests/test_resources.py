"""Which columns are recognised, and what becomes of each cell."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest
import tablib
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from mailings.formats import BadFile
from mailings.models import Client
from mailings.resources import ClientResource, Columns, Fault, RowCleaner, changes
from mailings.resources.cells import CellWidget, CommentWidget, TextWidget
from mailings.resources.columns import attribute_of, by_name, check, guess
from mailings.tests.factories import make_client, make_user


def cleaned(headers, cells, *, targets=None, corrects=False):
    columns = Columns(headers, targets) if targets else by_name(headers)
    return RowCleaner(columns, corrects=corrects).clean(cells)


def faults(header, text):
    return cleaned(["email", header], ["a@example.com", text]).faults


def value(header, text):
    row = cleaned(["email", header], ["a@example.com", text])
    assert row.faults == []
    row.values.pop("email")
    return next(iter(row.values.values()), None)


class TestColumns:
    @pytest.mark.parametrize(
        "header", ["email", "E-Mail", " EMAIL ", "Почта", "ПОЧТА", "Эл. почта", "Адрес электронной почты"]
    )
    def test_of_addresses_are_known_by_many_names(self, header):
        assert by_name(["№", header]).places == {"email": 1}

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
        assert by_name(["email", header]).places[name] == 1

    def test_that_are_unknown_are_ignored_and_named_id_and_owner_always(self):
        columns = by_name(["id", "owner", "Owner_id", "email", "Город", ""])

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
            by_name(headers)

        assert refused.value.messages == [sentence]

    def test_of_streets_are_not_taken_for_addresses(self):
        columns = by_name(["Почта", "Адрес"])

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

    def test_may_become_attributes(self):
        columns = Columns(["Почта", "Город", "Тариф", "x"], ["email", "attribute:Город", "attribute:plan", ""])

        assert (columns.places, columns.attributes, columns.ignored) == ({"email": 0}, {"Город": 1, "plan": 2}, ["x"])

    @pytest.mark.parametrize(
        ("header", "name"),
        [
            ("Город", "Город"),
            (" City (EN) ", "City EN"),
            ("Ф.И.О.", "Ф И О"),
            ("№", ""),
            ("a" * 60, "a" * 50),
            ("-", ""),
        ],
    )
    def test_lend_their_names_to_attributes(self, header, name):
        assert attribute_of(header) == name

    def test_are_taken_as_their_owner_chose_before(self):
        remembered = {"город": "attribute:Город", "имя": "", "контакт": "email"}

        assert guess(["Контакт", "ИМЯ", "Город", "E-mail"], remembered) == ["email", "", "attribute:Город", ""]

    def test_mean_a_field_but_once(self):
        assert guess(["email", "Почта", "name"]) == ["email", "", "full_name"]

        with pytest.raises(BadFile, match="mean the same"):
            check(Columns(["email", "a", "b"], ["email", "attribute:x", "attribute:x"]))


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
        assert [fault.column for fault in cleaned(["Почта"], [address]).faults] == ["Почта"]

    def test_beyond_the_columns_make_the_row_wrong(self):
        reason = "This row has more cells than there are columns. Put quotes around a cell that holds the separator."
        assert cleaned(["email"], ["a@example.com", "extra"]).faults == [Fault("", "extra", reason)]

    def test_of_columns_of_their_own_are_joined_with_the_attributes(self):
        headers, targets = ["email", "attributes", "Город"], ["email", "attributes", "attribute:Город"]

        row = cleaned(headers, ["a@example.com", '{"vip": true, "Город": "Пермь"}', " Казань "], targets=targets)
        blank = cleaned(headers, ["a@example.com", "", " "], targets=targets)

        assert row.values["attributes"] == {"vip": True, "Город": "Казань"}
        assert "attributes" not in blank.values

    def test_of_columns_of_their_own_may_not_be_too_many(self):
        headers = ["email", *(f"c{number}" for number in range(49)), "attributes"]
        targets = ["email", *(f"attribute:c{number}" for number in range(49)), "attributes"]

        row = cleaned(headers, ["a@example.com", *["x"] * 49, '{"one": 1, "two": 2}'], targets=targets)

        assert [fault.reason for fault in row.faults] == ['Write attributes as {"city": "Kazan"}, at most 50.']

    @pytest.mark.parametrize("widget", [TextWidget("full_name"), CommentWidget("comment")])
    @given(text=st.text(max_size=30) | st.text("ab ", min_size=90, max_size=110))
    def test_of_texts_are_read_fast_as_they_would_be_slowly(self, widget, text):
        """The short way past the model's field leads where the field leads."""

        def outcome(read):
            try:
                return read(text)
            except ValidationError as error:
                return error.messages

        assert outcome(widget.read) == outcome(lambda text: CellWidget.read(widget, text))


class TestMistypedAddresses:
    @pytest.mark.parametrize(
        ("address", "likely"),
        [
            ("a@gmial.com", "a@gmail.com"),
            ("a@gmai.com", "a@gmail.com"),
            ("a@gmail.con", "a@gmail.com"),
            ("a@mail.ry", "a@mail.ru"),
            ("a@mial.ru", "a@mail.ru"),
            ("a@maill.ru", "a@mail.ru"),
            ("a@yndex.ru", "a@yandex.ru"),
            ("a@shop.ry", "a@shop.ru"),
            ("a@mаil.ru", "a@mail.ru"),
            ("a@gmаil.con", "a@gmail.com"),
        ],
    )
    def test_are_doubted_with_the_likely_one(self, address, likely):
        row = cleaned(["email"], [address])

        assert (row.faults, row.likely) == ([], likely)

    @pytest.mark.parametrize(
        "address",
        [
            *("a@gmail.com", "a@mail.ru", "a@email.com", "a@bk.ru", "a@vk.ru", "a@ymail.com", "a@yandex.kz"),
            *("a@почта.рф", "a@example.com", "a@gail.org", "a@mail.shop.ru", "a@ema.il", "a@ru.ru"),
        ],
    )
    def test_are_not_seen_where_an_address_may_be_meant(self, address):
        assert cleaned(["email"], [address]).likely == ""

    def test_of_two_alphabets_are_wrong_but_the_likely_one_is_offered(self):
        row = cleaned(["email", "name"], ["ivаn@mail.ru", "Ivan"])  # a Russian а

        [fault] = row.faults
        assert fault.reason == (
            "Letters outside the Latin alphabet before the @ cannot be delivered. Perhaps it should be ivan@mail.ru."
        )

    @pytest.mark.parametrize("address", ["ivan@gmial.com", "ivаn@gmail.com", "ivаn@gmial.com"])
    def test_are_replaced_where_the_person_says_so(self, address):
        row = cleaned(["email", "name"], [address, "Ivan"], corrects=True)

        assert (row.values, row.faults) == ({"email": "ivan@gmail.com", "full_name": "Ivan"}, [])

    def test_keep_the_faults_of_other_cells(self):
        row = cleaned(["email", "name"], ["ivan@gmial.com", "x" * 101], corrects=True)

        assert [fault.column for fault in row.faults] == ["name"]


class TestChanges:
    OLD = {
        "email": "a@example.com",
        "full_name": "Ann",
        "comment": "one\r\ntwo ",
        "attributes": {"city": "Kazan"},
        "consent_at": dt.datetime(2025, 5, 1, tzinfo=dt.UTC),
        "consent_source": "contract",
    }

    def test_are_what_differs(self):
        values = {"full_name": "Anna", "comment": "one\ntwo", "attributes": {"tier": "gold"}}

        assert changes(self.OLD, values) == {"full_name": "Anna", "attributes": {"city": "Kazan", "tier": "gold"}}

    def test_never_take_a_consent_back(self):
        older, newer = dt.datetime(2025, 4, 30, tzinfo=dt.UTC), dt.datetime(2025, 5, 2, tzinfo=dt.UTC)
        source = {"consent_source": "a form"}

        assert changes(self.OLD, {"consent_at": older, **source}) == {}
        assert changes(self.OLD, {"consent_at": newer, **source}) == {"consent_at": newer, **source}
        assert changes(self.OLD | {"consent_at": None}, {"consent_at": older}) == {"consent_at": older}


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
