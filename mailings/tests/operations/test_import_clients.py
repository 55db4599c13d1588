"""What a file does to its owner's base, and what it never does."""

import datetime as dt
import io
from concurrent.futures import ThreadPoolExecutor

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailings.formats import BadFile, CsvFormat, XlsxFormat
from mailings.models import Client, ClientList, ImportJob, Suppression
from mailings.operations.compare_clients import CHUNK, Kind
from mailings.operations.import_clients import AlreadyLoaded, check, import_file, keep, load
from mailings.resources import ClientResource
from mailings.tests.factories import make_client, make_list, make_user

pytestmark = pytest.mark.django_db

MIXED = """Почта;Имя;Город
ivan@example.com;Иван;Казань

IVAN@Example.COM;Пётр;Пермь
ivan@;Кто-то;Омск
olga@example.com;Ольга;Тверь
anna@example.com;Анна;Псков
"""


def totals(**counts):
    names = ("new", "changed", "unchanged", "wrong", "repeated", "suppressed", "rows")
    return {name: counts.get(name, 0) for name in names}


def checked(text, owner, encoding="utf-8"):
    return check(io.BytesIO(text.encode(encoding)), "clients.csv", owner)


def kept(text, owner, list_name=""):
    file = io.BytesIO(text.encode())
    return keep(file, "clients.csv", owner, check(file, "clients.csv", owner), list_name)


def loaded(text, owner, list_name=""):
    job = kept(text, owner, list_name)
    load(job)
    return ImportJob.objects.get(pk=job.pk)


def counts(job):
    return {name: getattr(job, name) for name in totals()}


def base_of(owner):
    return list(Client.objects.owned_by(owner).order_by("email").values_list("email", "full_name", "comment"))


class TestCheck:
    def test_tells_of_each_row_what_would_become_of_it(self):
        owner = make_user()
        make_client(owner, "olga@example.com", full_name="Ольга")
        make_client(owner, "anna@example.com", full_name="Ася")

        report = checked(MIXED, owner, "cp1251")

        assert report.summary == totals(new=1, changed=1, unchanged=1, wrong=1, repeated=1, rows=5)
        assert report.rejected == [
            {
                "line": 4,
                "column": "Почта",
                "value": "ivan@example.com",
                "reason": "The same address stands in line 2, which counts.",
            },
            {
                "line": 5,
                "column": "Почта",
                "value": "ivan@",
                "reason": "The part after the @ is not a valid domain name, such as example.com.",
            },
        ]
        assert (report.table.encoding, report.table.delimiter, report.columns.ignored) == (
            "Windows-1251",
            ";",
            ["Город"],
        )

    def test_shows_the_first_rows_with_what_they_change(self):
        owner = make_user()
        make_client(owner, "anna@example.com", full_name="Ася")

        report = checked("email;name\n" + "".join(f"a{n}@example.com;\n" for n in range(30)), owner)
        changed = checked("email;name\nanna@example.com;Анна\n", owner).first[0]

        assert [row.line for row in report.first] == list(range(2, 22))
        assert (changed.kind, changed.old, changed.changes) == (
            Kind.CHANGED,
            {"full_name": "Ася"},
            {"full_name": "Анна"},
        )

    def test_writes_nothing(self):
        owner = make_user()
        make_client(owner, "ivan@example.com", full_name="Old")
        before = list(Client.objects.values())

        checked(MIXED, owner)

        assert (list(Client.objects.values()), ImportJob.objects.count(), LogEntry.objects.count()) == (before, 0, 0)

    def test_finds_a_repetition_far_below(self):
        owner = make_user()
        far = "".join(f"a{n}@example.com\n" for n in range(CHUNK + 5))

        report = checked(f"email\nx@example.com\n{far}X@EXAMPLE.COM\n", owner)

        assert report.summary == totals(new=CHUNK + 6, repeated=1, rows=CHUNK + 7)

    def test_does_not_let_a_wrong_row_take_the_place_of_a_good_one(self):
        report = checked(f"email;name\na@example.com;{'x' * 101}\na@example.com;Ann\n", make_user())

        assert report.summary == totals(wrong=1, new=1, rows=2)

    def test_refuses_a_file_that_breaks_off_far_below(self):
        rows = "".join(f"a{n}@example.com;x\n" for n in range(CHUNK + 5))

        with pytest.raises(BadFile, match=f"Broken quote, line {CHUNK + 7}"):
            checked(f'email;name\n{rows}b@example.com;"open\n', make_user())

    def test_reveals_nothing_of_another_owners_base(self):
        alice, bob = make_user(), make_user()
        make_client(alice, "ivan@example.com", full_name="needle")
        Suppression.objects.create(owner=alice, address="ivan@example.com")

        report = checked("email;name\nivan@example.com;Ivan\n", bob)

        assert report.summary == totals(new=1, rows=1)
        assert report.first[0].old == {}


class TestLoad:
    def test_writes_the_good_rows_and_records_the_others(self):
        owner = make_user()
        make_client(owner, "olga@example.com", full_name="Ольга")
        make_client(owner, "anna@example.com", full_name="Ася", comment="kept")

        job = loaded(MIXED, owner)

        assert base_of(owner) == [
            ("anna@example.com", "Анна", "kept"),
            ("ivan@example.com", "Иван", ""),
            ("olga@example.com", "Ольга", ""),
        ]
        assert counts(job) == totals(new=1, changed=1, unchanged=1, wrong=1, repeated=1, rows=5)
        assert (job.status, job.progress, [row["line"] for row in job.rejected_rows]) == ("completed", 5, [4, 5])
        assert job.mapping["columns"] == {"email": "Почта", "full_name": "Имя"}

    def test_of_the_same_file_again_changes_nothing(self):
        owner = make_user()
        loaded(MIXED, owner)
        before = list(Client.objects.order_by("pk").values())

        job = loaded(MIXED, owner)

        assert counts(job) == totals(unchanged=3, wrong=1, repeated=1, rows=5)
        assert list(Client.objects.order_by("pk").values()) == before

    def test_keeps_what_blank_cells_and_missing_columns_do_not_say(self):
        owner = make_user()
        given_at = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
        old = {"comment": "note", "consent_at": given_at, "consent_source": "contract", "attributes": {"city": "Kazan"}}
        make_client(owner, "ivan@example.com", full_name="Иван", **old)

        loaded(
            'email;name;consent at;consent source;attributes;comment\nivan@example.com;;;;"{""tier"": ""gold""}";new\n',
            owner,
        )

        client = Client.objects.get(email="ivan@example.com")
        assert {name: getattr(client, name) for name in ("full_name", *old)} == {
            "full_name": "Иван",
            **old,
            "comment": "new",
            "attributes": {"city": "Kazan", "tier": "gold"},
        }

    def test_touches_no_row_of_another_owner(self):
        alice, bob = make_user(), make_user()
        hers = make_client(alice, "ivan@example.com", full_name="Hers")

        loaded(f"id;owner;email;name\n{hers.pk};{alice.pk};ivan@example.com;His\n", bob)

        assert base_of(alice) == [("ivan@example.com", "Hers", "")]
        assert base_of(bob) == [("ivan@example.com", "His", "")]

    @pytest.mark.parametrize("is_everybodys", [True, False])
    def test_takes_in_a_suppressed_address_and_leaves_it_suppressed(self, is_everybodys):
        owner = make_user()
        Suppression.objects.create(owner=None if is_everybodys else owner, address="ivan@example.com")

        job = loaded("email\nivan@example.com\nolga@example.com\n", owner)

        assert counts(job) == totals(new=2, suppressed=1, rows=2)
        assert Suppression.objects.filter(address="ivan@example.com").count() == 1

    def test_puts_every_good_row_on_a_new_list(self):
        owner = make_user()
        make_client(owner, "olga@example.com", full_name="Ольга")

        job = loaded(MIXED, owner, "VIP")

        assert (job.client_list.name, job.client_list.owner) == ("VIP", owner)
        assert sorted(job.client_list.clients.values_list("email", flat=True)) == [
            "anna@example.com",
            "ivan@example.com",
            "olga@example.com",
        ]

    def test_puts_them_on_the_owners_list_of_that_name_and_no_other(self):
        alice, bob = make_user(), make_user()
        hers = make_list(alice, name="VIP")
        his = make_list(bob, [make_client(bob, "first@example.com")], name="VIP")

        loaded("email\nivan@example.com\nfirst@example.com\n", bob, "VIP")

        assert hers.clients.count() == 0
        assert sorted(his.clients.values_list("email", flat=True)) == ["first@example.com", "ivan@example.com"]
        assert ClientList.objects.count() == 2

    def test_makes_the_list_again_that_was_deleted_since_the_check(self):
        owner = make_user()
        chosen = make_list(owner, name="VIP")
        job = kept("email\nivan@example.com\n", owner, "VIP")
        chosen.delete()

        load(ImportJob.objects.get(pk=job.pk))

        assert ClientList.objects.get(name="VIP").clients.count() == 1

    def test_makes_no_list_when_nothing_goes_onto_it(self):
        loaded("email\nnonsense\n", make_user(), "VIP")

        assert ClientList.objects.count() == 0

    def test_counts_again_what_changed_since_the_check(self):
        owner = make_user()
        job = kept("email;name\nivan@example.com;Иван\nolga@example.com;Ольга\n", owner)
        make_client(owner, "ivan@example.com", full_name="Иван")
        make_client(owner, "olga@example.com", full_name="Оля")

        load(job)

        assert counts(ImportJob.objects.get(pk=job.pk)) == totals(changed=1, unchanged=1, rows=2)
        assert base_of(owner) == [("ivan@example.com", "Иван", ""), ("olga@example.com", "Ольга", "")]

    def test_happens_once(self):
        job = kept("email\nivan@example.com\n", make_user())
        load(job)
        Client.objects.all().delete()

        with pytest.raises(AlreadyLoaded):
            load(ImportJob.objects.get(pk=job.pk))

        assert (Client.objects.count(), ImportJob.objects.get().status) == (0, "completed")

    def test_fails_whole_when_the_file_was_swept_away(self):
        job = kept("email\nivan@example.com\n", make_user(), "VIP")
        job.file.storage.delete(job.file.name)

        with pytest.raises(BadFile, match="The file is no longer here"):
            load(job)

        assert (Client.objects.count(), ClientList.objects.count(), ImportJob.objects.get().status) == (0, 0, "failed")

    def test_writes_nothing_of_a_file_that_breaks_off_in_the_second_chunk(self):
        job = kept("email\nivan@example.com\n", make_user(), "VIP")
        rows = "".join(f"a{n}@example.com\n" for n in range(CHUNK))
        with job.file.storage.open(job.file.name, "wb") as file:
            file.write(f'email\n{rows}"open\n'.encode())

        with pytest.raises(BadFile, match="Broken quote"):
            load(job)

        assert (Client.objects.count(), ClientList.objects.count(), ImportJob.objects.get().status) == (0, 0, "failed")

    def test_goes_chunk_by_chunk(self):
        owner = make_user()
        rows = "".join(f"a{n}@example.com;n{n}\n" for n in range(2 * CHUNK + 1))

        first = loaded(f"email;name\n{rows}", owner, "All")
        second = loaded(f"email;name\n{rows.replace(';n', ';m')}", owner, "All")

        assert counts(first) == totals(new=2 * CHUNK + 1, rows=2 * CHUNK + 1)
        assert counts(second) == totals(changed=2 * CHUNK + 1, rows=2 * CHUNK + 1)
        assert (Client.objects.filter(full_name__startswith="m").count(), second.client_list.clients.count()) == (
            2 * CHUNK + 1,
            2 * CHUNK + 1,
        )

    def test_asks_as_many_questions_for_many_rows_as_for_one(self, django_assert_max_num_queries):
        job = kept("email;name\n" + "".join(f"a{n}@example.com;x\n" for n in range(150)), make_user(), "All")

        # SQLite's limit of parameters cuts the inserts of 150 rows in two.
        with django_assert_max_num_queries(25):
            load(job)

    def test_keeps_the_file_under_a_name_of_its_own(self):
        job = kept("email\nivan@example.com\n", make_user())

        assert "clients" not in job.file.name.rsplit("/", 1)[-1]
        assert (job.file_name, job.file.name.endswith(".csv")) == ("clients.csv", True)

    def test_writes_one_line_of_the_journal_without_addresses(self):
        owner = make_user()

        loaded("email\nivan@example.com\nnonsense\n", owner)

        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_repr, entry.change_message) == (
            owner,
            "clients.csv",
            "Loaded clients: 1 new, 0 changed, 1 wrong of 2 rows.",
        )

    def test_reads_dates_in_the_owners_time_zone(self):
        owner = make_user(time_zone="Asia/Vladivostok")

        loaded("email;consent at\nivan@example.com;23.11.2025 10:00\n", owner)

        assert Client.objects.get().consent_at == dt.datetime(2025, 11, 23, 0, 0, tzinfo=dt.UTC)

    def test_refuses_attributes_beyond_the_limit_together_with_the_old_ones(self):
        owner = make_user()
        make_client(owner, "ivan@example.com", attributes={f"a{n}": "x" for n in range(50)})

        job = loaded('email;attributes\nivan@example.com;"{""one more"": 1}"\n', owner)

        assert counts(job) == totals(wrong=1, rows=1)
        assert [row["column"] for row in job.rejected_rows] == ["attributes"]


@pytest.mark.django_db(transaction=True)
class TestTwoClicks:
    def test_load_once(self):
        owner = make_user()
        job = kept("email\n" + "".join(f"a{n}@example.com\n" for n in range(300)), owner)

        def click(_):
            try:
                load(ImportJob.objects.get(pk=job.pk))
            except AlreadyLoaded:
                return "refused"
            finally:
                connection.close()
            return "loaded"

        # SQLite's test database lives in memory, where one thread locks the other out instead of making it wait.
        with ThreadPoolExecutor(1 if connection.vendor == "sqlite" else 2) as clicks:
            answers = sorted(clicks.map(click, range(2)))

        assert (answers, Client.objects.count(), LogEntry.objects.count()) == (["loaded", "refused"], 300, 1)


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t=+-@'\";,"), max_size=30)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cf")), max_size=30)


class TestRoundTrip:
    @pytest.mark.parametrize("file_format", [CsvFormat, XlsxFormat])
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(rows=st.lists(st.tuples(NAMES, TEXTS), min_size=1, max_size=4))
    def test_of_export_and_import_changes_nothing(self, file_format, rows):
        owner = make_user()
        given_at = dt.datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
        for number, (name, text) in enumerate(rows):
            attributes = {"city": text} if "\x00" not in text else {}
            fields = {"comment": text, "consent_source": name, "attributes": attributes, "consent_at": given_at}
            make_client(owner, f"a{number}@example.com", full_name=name, **fields)
        data = file_format().export_data(ClientResource(owner).export())

        report = check(io.BytesIO(data if isinstance(data, bytes) else data.encode()), "clients", owner)

        assert report.summary == totals(unchanged=len(rows), rows=len(rows))


class TestImportFile:
    def test_takes_the_demo_lists_whole(self, settings):
        owner = make_user()
        folder = settings.BASE_DIR / "fixtures"

        shop = import_file(folder / "clients_shop.csv", owner, list_name="Shop")
        partners = import_file(folder / "clients_partners.xlsx", owner, list_name="Partners")

        assert counts(shop) == totals(new=60, rows=60)
        assert counts(partners) == totals(new=40, rows=40)
        assert Client.objects.get(email="ivan.ivanov@example.com").full_name == "Иван Иванов"
        assert partners.client_list.clients.filter(consent_at__isnull=False).count() == 40

    def test_gives_the_same_from_a_workbook(self, tmp_path):
        owner = make_user()
        book = openpyxl.Workbook()
        for row in MIXED.splitlines():
            book.active.append(row.split(";"))
        book.save(tmp_path / "clients.xlsx")

        job = import_file(tmp_path / "clients.xlsx", owner)

        assert counts(job) == totals(new=3, wrong=1, repeated=1, rows=5)
        assert [row["line"] for row in job.rejected_rows] == [4, 5]
