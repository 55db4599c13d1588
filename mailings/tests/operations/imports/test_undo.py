"""Undoing brings the base back row by row, and keeps what has been put to use since."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from accounts.journal import in_words
from mailings.models import Client, ClientList, Delivery, ImportedRow, ImportJob, Run
from mailings.operations import imports
from mailings.operations.imports.compare import CHUNK
from mailings.operations.imports.refusal import AnotherIsRunning, NothingToUndo, TooOldToUndo
from mailings.tests.factories import make_client, make_list, make_mailing, make_user
from mailings.tests.operations.imports.steps import MIXED, checked, everything, loaded, queued, undone, worked

pytestmark = pytest.mark.django_db


def mail(client):
    """Record that a run has mailed a client."""
    mailing = make_mailing(client.owner, [client])
    run = Run.objects.create(owner=client.owner, mailing=mailing, trigger="by_hand", snapshot={}, total=1)
    Delivery.objects.create(owner=client.owner, run=run, client=client, address=client.email)


class TestUndo:
    def test_brings_everything_back(self):
        owner = make_user()
        given_at = dt.datetime(2025, 5, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)
        olga = make_client(
            owner, "olga@example.com", full_name="Оля", comment="one\r\ntwo ", attributes={"x": 1.5, "y": True},
            consent_at=given_at, consent_source="",
        )  # fmt: skip
        anna = make_client(owner, "anna@example.com", full_name="Анна")
        make_list(owner, [olga], name="VIP")
        make_client(make_user(), "ivan@example.com")
        before = everything()

        job = loaded(
            "email;name;comment;consent at;consent source;attributes\n"
            'olga@example.com;Ольга;other;2025-06-01;form;"{""x"": 2}"\n'
            "anna@example.com;Анна;;;;\nnew@example.com;N;;;;\n",
            owner,
            "VIP",
        )
        after = everything()
        job = undone(job)

        assert after != before
        assert everything() == before
        assert (job.status, job.removed, job.restored, job.left, job.kept) == ("undone", 1, 1, 0, 0)
        assert anna in Client.objects.all()

    def test_removes_the_list_that_was_made_for_it(self):
        owner = make_user()
        make_client(owner, "anna@example.com", full_name="Анна")
        before = everything()

        undone(loaded(MIXED, owner, "VIP"))

        assert everything() == before

    def test_leaves_the_list_that_is_in_use(self):
        owner = make_user()
        job = loaded(MIXED, owner, "VIP")
        make_mailing(owner, lists=[job.client_list])

        undone(job)

        assert ClientList.objects.get().name == "VIP"

    def test_keeps_whom_a_run_has_mailed_since_and_says_so(self):
        owner = make_user()
        job = loaded(MIXED, owner)
        mail(Client.objects.get(email="ivan@example.com"))
        used = imports.used_since(job)

        job = undone(job)

        assert used == 1
        assert list(Client.objects.values_list("email", flat=True)) == ["ivan@example.com"]
        assert (job.removed, job.kept, ImportedRow.objects.get().client_id) == (2, 1, Client.objects.get().pk)

    def test_leaves_values_that_somebody_has_changed_since(self):
        owner = make_user()
        make_client(owner, "anna@example.com", full_name="Ася", comment="old")
        make_client(owner, "olga@example.com", full_name="Оля", comment="old")
        job = loaded("email;name;comment\nanna@example.com;Анна;new\nolga@example.com;Ольга;old\n", owner)
        Client.objects.update(full_name="By hand")

        job = undone(job)

        assert list(Client.objects.order_by("email").values_list("full_name", "comment")) == [
            ("By hand", "old"),
            ("By hand", "old"),
        ]
        assert (job.restored, job.left) == (1, 1)

    def test_does_not_mind_who_was_deleted_since(self):
        owner = make_user()
        make_client(owner, "anna@example.com", full_name="Ася")
        job = loaded(MIXED, owner, "VIP")
        Client.objects.all().delete()
        ClientList.objects.all().delete()

        job = undone(job)

        assert (job.status, job.removed, job.restored, Client.objects.count()) == ("undone", 0, 0, 0)

    def test_touches_only_the_owners_rows(self):
        owner, other = make_user(), make_user()
        job = loaded(MIXED, owner)
        hers = make_client(other, "hers@example.com", full_name="Hers")
        ImportedRow.objects.create(job=job, client_id=hers.pk, is_new=True, is_listed=False)

        undone(job)

        assert list(Client.objects.values_list("email", flat=True)) == ["hers@example.com"]

    def test_goes_on_after_its_worker_was_killed(self):
        owner = make_user()
        job = loaded("email\n" + "".join(f"a{n}@example.com\n" for n in range(2 * CHUNK + 1)), owner, "All")
        imports.start_undo(job)

        assert imports.work(job.pk, seconds=0) == [job.pk]
        half = ImportJob.objects.get()
        done = worked(job)

        assert (half.status, half.removed, half.lease_until) == ("undoing", CHUNK, None)
        assert (done.status, done.removed, Client.objects.count(), ClientList.objects.count()) == (
            "undone",
            2 * CHUNK + 1,
            0,
            0,
        )

    def test_is_written_into_the_journal(self):
        owner = make_user()

        undone(loaded(MIXED, owner))

        assert [in_words(entry) for entry in LogEntry.objects.order_by("pk")] == [
            "Imported clients: 3 new, 0 changed, 2 left out of 5 rows.",
            "Import undone: 3 clients removed, 0 restored, 0 kept.",
        ]


class TestStartUndo:
    def test_takes_one_that_was_stopped_half_way(self):
        owner = make_user()
        job = queued("email\n" + "".join(f"a{n}@example.com\n" for n in range(2 * CHUNK)), owner)
        imports.work(job.pk, seconds=0)
        imports.stop(ImportJob.objects.get())

        job = undone(ImportJob.objects.get())

        assert (job.status, job.removed, Client.objects.count()) == ("undone", CHUNK, 0)

    def test_refuses_what_did_nothing(self):
        owner = make_user()

        for job in (checked(MIXED, owner), undone(loaded(MIXED, owner))):
            with pytest.raises(NothingToUndo):
                imports.start_undo(job)

    def test_refuses_what_is_too_old(self, settings):
        job = loaded(MIXED, make_user())
        job.created_at = timezone.now() - dt.timedelta(days=settings.IMPORT_KEEP_DAYS, minutes=1)

        with pytest.raises(TooOldToUndo):
            imports.start_undo(job)

        assert not imports.can_be_undone(job)

    def test_waits_until_no_other_import_is_running(self):
        owner = make_user()
        job = loaded(MIXED, owner)
        other = queued("email\nother@example.com\n", owner)
        ImportJob.objects.filter(pk=other.pk).update(status="running")

        with pytest.raises(AnotherIsRunning):
            imports.start_undo(job)

        assert ImportJob.objects.get(pk=job.pk).status == "completed"
