"""What a check finds out, and that it touches nothing."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry

from mailings.models import Client, ImportedRow, ImportJob, RejectedRow, Suppression
from mailings.operations import imports
from mailings.operations.imports.compare import CHUNK
from mailings.tests.factories import make_client, make_user
from mailings.tests.operations.imports.steps import MIXED, checked, counts, everything, received, totals, worked

pytestmark = pytest.mark.django_db


class TestCheck:
    def test_tells_of_each_row_what_would_become_of_it(self):
        owner = make_user()
        make_client(owner, "olga@example.com", full_name="Ольга")
        make_client(owner, "anna@example.com", full_name="Ася")

        job = checked(MIXED, owner)

        assert (job.status, counts(job)) == (
            "checked",
            totals(new=1, changed=1, unchanged=1, wrong=1, repeated=1, rows=5),
        )
        assert list(RejectedRow.objects.order_by("line").values("line", "kind", "cells", "faults")) == [
            {
                "line": 4,
                "kind": "repeated",
                "cells": ["IVAN@Example.COM", "Пётр", "Пермь"],
                "faults": [
                    {
                        "column": "Почта",
                        "value": "ivan@example.com",
                        "reason": "The same address stands in line 2, which counts.",
                    }
                ],
            },
            {
                "line": 5,
                "kind": "wrong",
                "cells": ["ivan@", "Кто-то", "Омск"],
                "faults": [
                    {
                        "column": "Почта",
                        "value": "ivan@",
                        "reason": "The part after the @ is not a valid domain name, such as example.com.",
                    }
                ],
            },
        ]

    def test_writes_nothing_of_it(self):
        owner = make_user()
        make_client(owner, "ivan@example.com", full_name="Old")
        before = everything()

        checked(MIXED, owner, list_name="New list")

        assert (everything(), ImportedRow.objects.count(), LogEntry.objects.count()) == (before, 0, 0)

    def test_shows_the_first_twenty_rows_with_what_they_change(self):
        owner = make_user()
        make_client(owner, "a1@example.com", full_name="Old", attributes={"Город": "Пермь", "x": 1})
        rows = "".join(f"a{n}@example.com;Имя;Казань\n" for n in range(30))

        job = checked(f"email;name;Город\n{rows}", owner, ["email", "full_name", "attribute:Город"])

        assert [row["line"] for row in job.preview] == list(range(2, 22))
        assert job.preview[:2] == [
            {
                "line": 2,
                "kind": "new",
                "is_suppressed": False,
                "cells": [["", "a0@example.com"], ["", "Имя"], ["", "Казань"]],
            },
            {
                "line": 3,
                "kind": "changed",
                "is_suppressed": False,
                "cells": [["a1@example.com", "a1@example.com"], ["Old", "Имя"], ["Пермь", "Казань"]],
            },
        ]

    def test_finds_a_repetition_far_below(self):
        far = "".join(f"a{n}@example.com\n" for n in range(CHUNK + 5))

        job = checked(f"email\nx@example.com\n{far}X@EXAMPLE.COM\n", make_user())

        assert counts(job) == totals(new=CHUNK + 6, repeated=1, rows=CHUNK + 7)

    def test_does_not_let_a_wrong_row_take_the_place_of_a_good_one(self):
        long = "x" * 101

        job = checked(f"email;name\nivan@example.com;{long}\nivan@example.com;Ivan\n", make_user())

        assert counts(job) == totals(new=1, wrong=1, rows=2)

    def test_leaves_clients_that_are_there_where_the_person_says_so(self):
        owner = make_user()
        make_client(owner, "anna@example.com", full_name="Ася")

        job = checked(MIXED, owner, on_existing="skip")

        assert counts(job) == totals(new=2, unchanged=1, wrong=1, repeated=1, rows=5)

    def test_knows_no_other_owners_clients_and_suppressions(self):
        owner, other = make_user(), make_user()
        make_client(other, "ivan@example.com", full_name="zqneedle")
        Suppression.objects.create(owner=other, address="olga@example.com")
        Suppression.objects.create(owner=None, address="anna@example.com")

        job = checked(MIXED, owner)

        assert counts(job) == totals(new=3, wrong=1, repeated=1, rows=5, suppressed=1)
        assert "zqneedle" not in str(job.preview)

    def test_doubts_mistyped_addresses(self):
        text = "email\nivan@gmial.com\nolga@example.com\nаnna@mail.ru\n"  # a Russian а in the last one

        job = checked(text, make_user())

        assert (job.mistyped, job.doubts) == (
            2,
            [
                {"line": 2, "value": "ivan@gmial.com", "likely": "ivan@gmail.com"},
                {"line": 4, "value": "аnna@mail.ru", "likely": "anna@mail.ru"},
            ],
        )
        assert counts(job) == totals(new=2, wrong=1, rows=3)

    def test_takes_the_likely_ones_where_the_person_says_so(self):
        text = "email\nivan@gmial.com\nivan@gmail.com\nаnna@mail.ru\n"
        job = checked(text, make_user())

        imports.correct(job)

        assert counts(worked(job)) == totals(new=2, repeated=1, rows=3)

    def test_counts_the_consents_that_it_keeps(self):
        owner = make_user()
        make_client(owner, "ivan@example.com", consent_at=dt.datetime(2025, 5, 1, tzinfo=dt.UTC))

        job = checked("email;consent at\nivan@example.com;2024-01-01\n", owner)

        assert (counts(job), job.kept_consents) == (totals(unchanged=1, rows=1), 1)

    def test_ends_with_the_sentence_of_a_file_that_breaks_off_far_below(self):
        far = "".join(f"a{n}@example.com\n" for n in range(CHUNK + 5))

        job = checked(f'email\n{far}"open\n', make_user())

        assert (job.status, job.reason) == (
            "failed",
            f"Broken quote, line {CHUNK + 7}. Close it, and write a quote inside a quoted cell twice.",
        )

    def test_ends_where_the_file_was_swept_away(self):
        job = received(MIXED, make_user())
        imports.choose(job, ["email", "", ""])
        job.file.storage.delete(job.file.name)

        assert (worked(job).status, worked(job).reason) == (
            "failed",
            "The file is no longer here. Upload it again.",
        )

    def test_begins_anew_after_its_worker_was_killed(self):
        owner = make_user()
        job = received(MIXED, owner)
        imports.choose(job, ["email", "full_name", ""])
        RejectedRow.objects.create(job=job, line=4, kind="wrong", cells=["half done"])
        ImportJob.objects.update(progress=3)

        job = worked(job)

        assert (counts(job), RejectedRow.objects.count()) == (totals(new=3, wrong=1, repeated=1, rows=5), 2)

    def test_speaks_the_language_of_who_uploaded_it(self):
        job = received(MIXED, make_user())
        ImportJob.objects.update(language="ru")
        imports.choose(job, ["email", "", ""])

        worked(job)

        assert "строке 2" in RejectedRow.objects.get(line=4).faults[0]["reason"]

    def test_asks_as_many_questions_for_many_rows_as_for_one(self, django_assert_max_num_queries):
        job = received("email\n" + "".join(f"a{n}@example.com\n" for n in range(1500)), make_user())
        imports.choose(job, ["email"])

        with django_assert_max_num_queries(12):
            imports.work(job.pk)

        assert Client.objects.count() == 0
