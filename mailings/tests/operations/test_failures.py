"""Why letters failed: each reason leads to exactly the attempts that were counted."""

import pytest

from mailings.models import Attempt, Delivery, Run
from mailings.operations import failures
from mailings.operations.failures import LOOKED_AT
from mailings.tests.factories import make_mailing, make_user

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


def make_attempts(owner, *kinds):
    """Make attempts of these (outcome, reason) in this order, in one run."""
    run = Run.objects.create(owner=owner, mailing=make_mailing(owner), snapshot={}, total=1)
    delivery = Delivery.objects.create(owner=owner, run=run, address="a@client.example")
    Attempt.objects.bulk_create(
        Attempt(owner=owner, run=run, delivery=delivery, outcome=outcome, reason=reason) for outcome, reason in kinds
    )
    return Attempt.objects.filter(run=run)


class TestFailures:
    def test_lead_to_exactly_those_attempts(self, client):
        ann = make_user(language="en")
        make_attempts(ann, ("refused", "mailbox_full"))
        attempts = make_attempts(
            ann,
            ("refused", "no_such_address"),
            ("accepted", "accepted"),
            ("refused", "no_such_address"),
            ("unknown", "no_answer"),
            ("deferred", "mailbox_full"),
        )
        client.force_login(ann, backend=BACKEND)

        found = failures(attempts, run__id__exact=attempts[0].run_id)
        lists = [client.get(row.url).context["cl"].result_count for row in found.rows]
        make_attempts(ann, ("refused", "no_such_address"))

        assert [(row.reason, row.count, row.percent) for row in found.rows] == [
            ("the address does not exist", 2, 67),
            ("the letter was handed over and no answer came", 1, 33),
        ]
        assert lists == [2, 1]
        assert client.get(found.rows[0].url).context["cl"].result_count == 2
        assert (found.attempts, found.is_everything) == (5, True)

    def test_look_at_so_many_attempts_and_no_more(self):
        attempts = make_attempts(make_user(), *[("refused", "spam")] * 3, *[("refused", "no_such_address")] * LOOKED_AT)

        found = failures(attempts)

        assert [row.count for row in found.rows] == [LOOKED_AT]
        assert (found.attempts, found.is_everything) == (LOOKED_AT, False)

    def test_are_none_where_nothing_was_sent(self):
        assert failures(Attempt.objects.all()).rows == []
