"""Who works on an import when: one worker, one import of an owner, and nothing left lying."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from mailings import tasks
from mailings.models import Client, ImportedRow, ImportJob, RejectedRow
from mailings.models.import_job import LEASE
from mailings.operations import imports
from mailings.operations.imports import turn
from mailings.operations.imports.compare import CHUNK
from mailings.tests.factories import make_user
from mailings.tests.operations.imports.steps import MIXED, checked, counts, loaded, queued, received, totals, worked

MANY = "email\n" + "".join(f"a{n}@example.com\n" for n in range(3 * CHUNK))


@pytest.mark.django_db
class TestTurn:
    def test_is_one_workers_at_a_time(self):
        job = queued(MIXED, make_user())

        assert turn.take(job.pk) is not None
        assert turn.take(job.pk) is None
        assert imports.work(job.pk) == []

    def test_passes_on_when_the_worker_is_gone(self):
        job = queued(MIXED, make_user())
        turn.take(job.pk)

        ImportJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

        assert counts(worked(job)) == totals(new=3, wrong=1, repeated=1, rows=5)

    def test_lost_writes_nothing_more(self):
        """A worker that slept past its lease wakes up in the middle of a chunk."""
        owner = make_user()
        job = queued(MANY, owner)

        def take_away(_job):
            ImportJob.objects.update(claim_token=uuid.uuid4(), lease_until=timezone.now() + LEASE)

        imports.work(job.pk, on_chunk=take_away)

        job = ImportJob.objects.get()
        assert (job.status, job.progress, job.new, Client.objects.count()) == ("running", CHUNK, CHUNK, CHUNK)
        assert ImportedRow.objects.count() == CHUNK

    def test_ends_with_its_slice_and_goes_on_from_there(self):
        job = queued(MANY, make_user())

        answers = [imports.work(job.pk, seconds=0) for _ in range(4)]

        job = ImportJob.objects.get()
        assert answers == [[job.pk]] * 3 + [[]]
        assert (job.status, counts(job), job.lease_until) == ("completed", totals(new=3 * CHUNK, rows=3 * CHUNK), None)
        assert Client.objects.count() == 3 * CHUNK

    def test_is_not_given_for_somebody_who_is_blocked(self):
        owner = make_user()
        job = queued(MIXED, owner)
        owner.is_active, owner.blocked_at = False, timezone.now()
        owner.save()

        assert turn.take(job.pk) is None
        assert imports.left_over(timezone.now()) == []


@pytest.mark.django_db
class TestTheQueue:
    def test_lets_one_import_of_an_owner_write_and_wakes_the_next(self):
        owner, other = make_user(), make_user()
        first, second = queued(MANY, owner), queued(MIXED, owner)
        others = queued(MIXED, other)
        imports.work(first.pk, seconds=0)

        waits = imports.work(second.pk)
        goes = imports.work(others.pk)
        woken = imports.work(first.pk)
        imports.work(woken[0])

        assert (waits, goes, woken) == ([], [], [second.pk])
        assert set(ImportJob.objects.values_list("status", flat=True)) == {"completed"}

    def test_keeps_the_order(self):
        owner = make_user()
        first, second = queued(MIXED, owner), queued("email\nlate@example.com\n", owner)

        assert imports.work(second.pk) == []
        assert imports.work(first.pk) == [second.pk]

    def test_moves_on_when_the_running_one_is_stopped(self):
        owner = make_user()
        first, second = queued(MANY, owner), queued(MIXED, owner)

        woken = imports.work(first.pk, on_chunk=lambda job: imports.stop(ImportJob.objects.get(pk=job.pk)))

        assert woken == [second.pk]

    def test_holds_an_import_up_by_a_check_of_none(self):
        owner = make_user()
        imports.work(queued(MANY, owner).pk, seconds=0)

        assert checked(MIXED, owner).status == "checked"


@pytest.mark.django_db
class TestLeftOver:
    def test_is_what_has_work_left_and_nobody_to_do_it(self):
        now = timezone.now()
        owners = [make_user() for _ in range(4)]
        lost = queued(MANY, owners[0])
        imports.work(lost.pk, seconds=0)
        alive = queued(MANY, owners[1])
        turn.take(alive.pk)
        waiting = queued(MIXED, owners[2])
        behind = queued(MIXED, owners[1])
        to_check = received(MIXED, owners[3])
        imports.choose(to_check, ["email", "", ""])
        loaded(MIXED, owners[3])

        assert imports.left_over(now) == [lost.pk, waiting.pk, to_check.pk]
        assert behind.pk in imports.left_over(now + 2 * LEASE) or alive.pk in imports.left_over(now + 2 * LEASE)

    def test_is_found_by_the_minutes_task(self, monkeypatch):
        job = queued(MIXED, make_user())
        woken = []
        monkeypatch.setattr(tasks, "work_on_import", woken.append)

        tasks.each_minute.call_local()

        assert woken == [job.pk]


@pytest.mark.django_db
class TestUnexpectedFaults:
    def test_end_the_import_with_a_sentence_and_are_raised(self):
        job = queued(MIXED, make_user())

        def stumble(_job):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            imports.work(job.pk, on_chunk=stumble)

        job = ImportJob.objects.get()
        assert (job.status, job.reason) == ("failed", "It broke off through a fault of the program. The log says more.")


@pytest.mark.django_db
class TestSweep:
    def test_deletes_files_and_records_of_old_imports(self, settings):
        owner = make_user()
        done, never, young = loaded(MIXED, owner), checked(MIXED, owner), loaded(MIXED, owner)
        old = timezone.now() - timedelta(days=settings.IMPORT_KEEP_DAYS, hours=1)
        ImportJob.objects.filter(pk__in=[done.pk, never.pk]).update(created_at=old)
        paths = [job.file.path for job in (done, never, young)]

        swept = imports.sweep(timezone.now())

        assert swept == 2
        assert [job.file.storage.exists(path) for job, path in zip((done, never, young), paths, strict=True)] == [
            False,
            False,
            True,
        ]
        assert set(ImportJob.objects.values_list("pk", "file")) == {(done.pk, ""), (young.pk, young.file.name)}
        assert set(ImportedRow.objects.values_list("job", flat=True)) <= {young.pk}
        assert set(RejectedRow.objects.values_list("job", flat=True)) == {young.pk}
        assert counts(ImportJob.objects.get(pk=done.pk)) == counts(done)

    def test_leaves_what_is_at_work(self, settings):
        job = queued(MIXED, make_user())
        ImportJob.objects.update(created_at=timezone.now() - timedelta(days=settings.IMPORT_KEEP_DAYS + 1))

        assert imports.sweep(timezone.now()) == 0
        assert job.file.storage.exists(job.file.path)


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def test_load_each_row_once(self):
        job = queued("email\n" + "".join(f"a{n}@example.com\n" for n in range(300)), make_user())

        def work(_):
            try:
                return imports.work(job.pk)
            finally:
                connection.close()

        # SQLite's test database lives in memory, where one thread locks the other out instead of making it wait.
        with ThreadPoolExecutor(1 if connection.vendor == "sqlite" else 2) as workers:
            list(workers.map(work, range(2)))

        assert (ImportJob.objects.get().new, Client.objects.count(), ImportedRow.objects.count()) == (300, 300, 300)
