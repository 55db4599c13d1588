"""What a file does to its owner's base, and what it never does."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry

from accounts.journal import in_words
from mailings.models import Client, ClientList, ImportedRow, ImportJob, RejectedRow, Suppression
from mailings.operations import imports
from mailings.operations.imports import base, load
from mailings.operations.imports.compare import CHUNK
from mailings.operations.imports.refusal import AlreadyLoaded, NotChecked, NothingToLoad, NotLoading, RowsAreWrong
from mailings.tests.factories import make_client, make_list, make_user
from mailings.tests.operations.imports.steps import (
    MIXED,
    base_of,
    checked,
    counts,
    loaded,
    queued,
    received,
    totals,
    worked,
)

pytestmark = pytest.mark.django_db


class TestLoad:
    def test_writes_the_good_rows_and_records_what_it_did(self):
        owner = make_user()
        make_client(owner, "olga@example.com", full_name="Ольга")
        anna = make_client(owner, "anna@example.com", full_name="Ася")

        job = loaded(MIXED, owner, targets=["email", "full_name", "attribute:Город"])

        assert base_of(owner) == [
            ("anna@example.com", "Анна", ""),
            ("ivan@example.com", "Иван", ""),
            ("olga@example.com", "Ольга", ""),
        ]
        assert (job.status, job.progress, counts(job)) == (
            "completed",
            5,
            totals(new=1, changed=2, wrong=1, repeated=1, rows=5),
        )
        assert ImportedRow.objects.get(client_id=anna.pk).changes == {
            "full_name": ["Ася", "Анна"],
            "attributes": [{}, {"Город": "Псков"}],
        }
        assert list(ImportedRow.objects.filter(is_new=True).values_list("client_id", "changes", "is_listed")) == [
            (Client.objects.get(email="ivan@example.com").pk, None, False)
        ]

    def test_of_the_same_file_again_changes_nothing(self):
        owner = make_user()
        loaded(MIXED, owner)
        before = list(Client.objects.order_by("pk").values())

        job = loaded(MIXED, owner)

        assert counts(job) == totals(unchanged=3, wrong=1, repeated=1, rows=5)
        assert list(Client.objects.order_by("pk").values()) == before
        assert ImportedRow.objects.filter(job=job).count() == 0

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

    def test_fills_every_field(self):
        owner = make_user(time_zone="Asia/Vladivostok")
        odd = "tab\tback\\slash\nline \\N \x02"

        loaded(
            "email;name;comment;consent at;consent source;Город\n"
            f'ivan@example.com;Иван;"{odd}";23.11.2025 10:00;form;\\N\n',
            owner,
            targets=["email", "full_name", "comment", "consent_at", "consent_source", "attribute:Город"],
        )

        client = Client.objects.get()
        assert (client.full_name, client.comment, client.consent_source, client.attributes) == (
            "Иван",
            odd,
            "form",
            {"Город": "\\N"},
        )
        assert client.consent_at == dt.datetime(2025, 11, 23, 0, 0, tzinfo=dt.UTC)
        assert client.created_at is not None

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

    def test_never_takes_a_consent_back(self):
        owner = make_user()
        given_at = dt.datetime(2025, 5, 1, tzinfo=dt.UTC)
        make_client(owner, "ivan@example.com", consent_at=given_at, consent_source="contract")

        job = loaded("email;consent at;consent source;name\nivan@example.com;2024-01-01;a rumour;Ivan\n", owner)

        client = Client.objects.get()
        assert (client.consent_at, client.consent_source, client.full_name) == (given_at, "contract", "Ivan")
        assert (counts(job), job.kept_consents) == (totals(changed=1, rows=1), 1)

    def test_counts_again_what_changed_since_the_check(self):
        owner = make_user()
        job = queued("email;name\nivan@example.com;Иван\nolga@example.com;Ольга\n", owner)
        make_client(owner, "ivan@example.com", full_name="Иван")
        make_client(owner, "olga@example.com", full_name="Оля")

        job = worked(job)

        assert counts(job) == totals(changed=1, unchanged=1, rows=2)
        assert base_of(owner) == [("ivan@example.com", "Иван", ""), ("olga@example.com", "Ольга", "")]

    def test_leaves_out_what_has_become_wrong_since_the_check(self):
        owner = make_user()
        job = queued('email;attributes\nivan@example.com;"{""one more"": 1}"\n', owner)
        make_client(owner, "ivan@example.com", attributes={f"a{n}": "x" for n in range(50)})

        job = worked(job)

        assert counts(job) == totals(wrong=1, rows=1)
        assert [fault["column"] for row in RejectedRow.objects.all() for fault in row.faults] == ["attributes"]

    def test_compares_again_whom_somebody_adds_in_the_very_moment(self, monkeypatch):
        """The rows come between the comparison and the writing, which PostgreSQL lets happen."""
        owner = make_user()
        job = queued("email;name\nivan@example.com;Иван\nolga@example.com;Ольга\n", owner)
        compare = load.Comparison.compare
        added = []

        def compare_and_be_late(self, rows, **how):
            compare(self, rows, **how)
            if not added:
                added.append(make_client(owner, "ivan@example.com", full_name="Ваня"))

        if base.database() is base.postgresql:
            monkeypatch.setattr(load.Comparison, "compare", compare_and_be_late)
        else:
            make_client(owner, "ivan@example.com", full_name="Ваня")
        job = worked(job)

        assert counts(job) == totals(new=1, changed=1, rows=2)
        assert base_of(owner) == [("ivan@example.com", "Иван", ""), ("olga@example.com", "Ольга", "")]
        assert ImportedRow.objects.filter(changes__isnull=False).get().changes == {"full_name": ["Ваня", "Иван"]}

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
        job = queued("email;name\n" + "".join(f"a{n}@example.com;x\n" for n in range(1500)), make_user(), "All")

        with django_assert_max_num_queries(25):
            imports.work(job.pk)

    def test_writes_one_line_of_the_journal_without_addresses(self):
        owner = make_user()

        loaded("email\nivan@example.com\nnonsense\n", owner)

        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_repr, in_words(entry)) == (
            owner,
            "clients.csv",
            "Imported clients: 1 new, 0 changed, 1 left out of 2 rows.",
        )

    def test_stays_where_it_was_when_the_file_was_swept_away(self):
        job = queued("email\nivan@example.com\n", make_user(), "VIP")
        job.file.storage.delete(job.file.name)

        job = worked(job)

        assert (job.status, job.reason) == ("failed", "The file is no longer here. Upload it again.")
        assert (Client.objects.count(), ClientList.objects.count()) == (0, 0)

    def test_keeps_the_chunks_before_the_one_that_breaks_off(self):
        job = queued("email\n" + "".join(f"a{n}@example.com\n" for n in range(CHUNK + 1)), make_user())
        with job.file.storage.open(job.file.name, "wb") as file:
            file.write(("email\n" + "".join(f"a{n}@example.com\n" for n in range(CHUNK)) + '"open\n').encode())

        job = worked(job)

        assert (job.status, job.reason[:13], job.progress, job.not_loaded) == ("failed", "Broken quote,", CHUNK, 1)
        assert Client.objects.count() == CHUNK


class TestTheList:
    def test_gets_every_good_row_new_or_there_already(self):
        owner = make_user()
        olga = make_client(owner, "olga@example.com", full_name="Ольга")

        job = loaded(MIXED, owner, "VIP")

        assert (job.client_list.name, job.client_list.owner, job.is_list_new) == ("VIP", owner, True)
        assert sorted(job.client_list.clients.values_list("email", flat=True)) == [
            "anna@example.com",
            "ivan@example.com",
            "olga@example.com",
        ]
        assert ImportedRow.objects.filter(
            client_id=olga.pk, is_new=False, is_listed=True, changes__isnull=True
        ).exists()

    def test_is_the_owners_of_that_name_and_no_other(self):
        alice, bob = make_user(), make_user()
        hers = make_list(alice, name="VIP")
        his = make_list(bob, [make_client(bob, "first@example.com")], name="VIP")

        job = loaded("email\nivan@example.com\nfirst@example.com\n", bob, "VIP")

        assert hers.clients.count() == 0
        assert sorted(his.clients.values_list("email", flat=True)) == ["first@example.com", "ivan@example.com"]
        assert (ClientList.objects.count(), job.is_list_new) == (2, False)

    def test_is_made_again_that_was_deleted_since_the_check(self):
        owner = make_user()
        chosen = make_list(owner, name="VIP")
        job = queued("email\nivan@example.com\n", owner, "VIP")
        chosen.delete()

        worked(job)

        assert ClientList.objects.get(name="VIP").clients.count() == 1

    def test_is_not_made_when_nothing_goes_onto_it(self):
        with pytest.raises(NothingToLoad):
            loaded("email\nnonsense\n", make_user(), "VIP")

        assert ClientList.objects.count() == 0


class TestQueue:
    def test_takes_a_checked_file_once(self):
        job = queued(MIXED, make_user())

        with pytest.raises(AlreadyLoaded):
            imports.queue(job)
        worked(job)
        with pytest.raises(AlreadyLoaded):
            imports.queue(ImportJob.objects.get())

        assert LogEntry.objects.count() == 1

    def test_wants_a_word_about_wrong_rows(self):
        job = checked(MIXED, make_user())

        with pytest.raises(RowsAreWrong):
            imports.queue(job, skips_wrong=False)

        assert ImportJob.objects.get().status == "checked"

    def test_refuses_what_is_not_checked(self):
        with pytest.raises(NotChecked):
            imports.queue(received(MIXED, make_user()))


class TestStop:
    def test_keeps_what_is_loaded_and_goes_on_where_it_was(self):
        owner = make_user()
        rows = "".join(f"a{n}@example.com\n" for n in range(3 * CHUNK))
        job = queued(f"email\n{rows}", owner)

        imports.work(job.pk, on_chunk=lambda job: imports.stop(ImportJob.objects.get(pk=job.pk)))
        stopped = ImportJob.objects.get()
        there = Client.objects.count()
        imports.resume(ImportJob.objects.get())
        done = worked(stopped)

        assert (stopped.status, stopped.progress, stopped.new, stopped.not_loaded) == (
            "stopped",
            CHUNK,
            CHUNK,
            2 * CHUNK,
        )
        assert there == CHUNK
        assert (done.status, counts(done)) == ("completed", totals(new=3 * CHUNK, rows=3 * CHUNK))
        assert (Client.objects.count(), ImportedRow.objects.count()) == (3 * CHUNK, 3 * CHUNK)

    def test_is_refused_once_it_is_over(self):
        with pytest.raises(NotLoading):
            imports.stop(loaded(MIXED, make_user()))
