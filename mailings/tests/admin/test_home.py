"""The home page: figures that agree with the rows, one's own for users and everybody's for Managers."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mailings import operations
from mailings.models import HourlyCounter, Mailing, Suppression, Worker
from mailings.tests.factories import make_client, make_mailing, make_manager, make_user

pytestmark = pytest.mark.django_db
HOME = reverse("admin:index")
RUNNING = reverse("admin:running")
PAGES = (HOME, reverse("admin:mailings_client_changelist"), reverse("admin:mailings_mailing_add"))
BACKEND = "django.contrib.auth.backends.ModelBackend"


def sees(client, person, address=HOME, **query):
    client.force_login(person, backend=BACKEND)
    return client.get(address, query)


def make_figures(owner, clients=2, accepted=5, refused=1):
    """Give an owner a running mailing and a completed one, a suppression, and figures of this hour."""
    mailing = make_mailing(owner, [make_client(owner) for _ in range(clients)])
    operations.launch(mailing.pk, owner)
    make_mailing(owner, status="completed")
    Suppression.objects.create(owner=owner, address="gone@client.example")
    HourlyCounter.objects.create(
        owner=owner, mailing=mailing, hour=timezone.now(), accepted=accepted, refused=refused, deferred=9
    )
    return mailing


def figures(mailings, active, clients, suppressed, accepted, failed, failed_percent):
    return locals()


class TestTheTotals:
    def test_are_ones_own(self, client):
        ann = make_user()
        make_figures(ann)
        make_figures(make_user(), clients=3)

        assert sees(client, ann).context["totals"] == figures(2, 1, 2, 1, 5, 1, 17)

    @pytest.mark.parametrize("query", [{"scope": "all"}, {"scope": "everybody"}, {"owner": "1"}])
    def test_stay_a_users_own_whatever_he_asks_for(self, client, query):
        ann = make_user()
        make_figures(make_user())

        response = sees(client, ann, **query)

        assert response.context["totals"] == figures(0, 0, 0, 0, 0, 0, 0)
        assert (response.context["scope"], response.context["running"]) == ("own", [])

    def test_are_everybodys_for_a_manager_unless_he_asks_for_his_own(self, client):
        manager = make_manager()
        make_figures(make_user())
        make_figures(make_user(), clients=3, accepted=4, refused=0)

        everybody, own = sees(client, manager), sees(client, manager, scope="own")

        assert everybody.context["totals"] == figures(4, 2, 5, 2, 9, 1, 10)
        assert own.context["totals"] == figures(0, 0, 0, 0, 0, 0, 0)

    def test_are_nothing_to_somebody_without_a_role(self, client):
        stranger = make_user(role=None)
        make_figures(stranger)
        make_figures(make_user())

        text = sees(client, stranger, scope="all").content.decode()

        assert Mailing.objects.first().title not in text

    def test_are_ones_own_again_once_one_is_no_manager_any_more(self, client):
        manager = make_manager()
        make_figures(make_user())
        before = sees(client, manager).context["totals"]

        manager.groups.clear()
        after = client.get(HOME, {"scope": "all"}).context["totals"]

        assert (before["clients"], after["clients"]) == (2, 0)


class TestTheChart:
    def make_days(self, owner, *ages):
        mailing = make_mailing(owner)
        for days in ages:
            HourlyCounter.objects.create(
                owner=owner, mailing=mailing, hour=timezone.now() - timedelta(days=days), accepted=10, refused=1
            )

    @pytest.mark.parametrize(("days", "count"), [(7, 2), (30, 3), (90, 4)])
    def test_has_every_day_of_the_range(self, client, days, count):
        ann = make_user()
        self.make_days(ann, 0, 6, 29, 89, 120)
        self.make_days(make_user(), 0)

        context = sees(client, ann, days=days).context

        bars = [bar["numbers"] for bar in context["chart"]["bars"]]
        assert len(context["days"]) == len(bars) == days
        assert [sum(column) for column in zip(*bars, strict=True)] == [10 * count, count]
        assert (context["days"][-1]["day"], context["days"][-1]["accepted"]) == (timezone.localdate(), 10)

    @pytest.mark.parametrize("days", ["0", "-1", "31", "x", "9" * 30, ""])
    def test_has_thirty_days_for_a_range_that_is_not_offered(self, client, days):
        assert len(sees(client, make_user(), days=days).context["days"]) == 30

    def test_counts_days_on_the_clock_of_the_user(self, client):
        """An hour before midnight in Moscow it is tomorrow in Vladivostok."""
        people = [make_user(time_zone="Europe/Moscow"), make_user(time_zone="Asia/Vladivostok")]
        yesterday = timezone.now().replace(hour=20, minute=0, second=0, microsecond=0) - timedelta(days=2)
        for person in people:
            HourlyCounter.objects.create(owner=person, mailing=make_mailing(person), hour=yesterday, accepted=1)

        shown = [
            next(row["day"] for row in sees(client, person).context["days"] if row["accepted"]) for person in people
        ]

        assert shown == [yesterday.date(), yesterday.date() + timedelta(days=1)]


class TestWhatRunsNow:
    def test_is_given_as_json_of_ones_own(self, client):
        ann = make_user()
        own = make_figures(ann)
        make_figures(make_user())

        for scope in ("own", "all"):
            response = sees(client, ann, RUNNING, scope=scope)
            assert [(run["id"], run["total"], run["waiting"]) for run in response.json()["running"]] == [(own.pk, 2, 2)]
            assert "no-store" in response["Cache-Control"]

    def test_is_everybodys_for_a_manager(self, client):
        made = {make_figures(make_user()).pk for _ in range(2)}

        shown = {run["id"] for run in sees(client, make_manager(), RUNNING).json()["running"]}

        assert shown == made

    def test_asks_nobody_in(self, client):
        assert client.get(RUNNING).status_code == 302

    def test_adds_up_to_the_total(self, client):
        ann = make_user()
        make_figures(ann)

        run = sees(client, ann, RUNNING).json()["running"][0]

        parts = ("accepted", "refused", "deferred", "unknown", "suppressed", "cancelled", "waiting")
        assert sum(run[name] for name in parts) == run["total"]


class TestThePage:
    def test_says_like_every_other_that_the_worker_is_silent(self, client):
        ann = make_user()

        silent = {page: sees(client, ann, page).context["is_worker_silent"] for page in PAGES}
        Worker.objects.create(name="one")

        assert silent == dict.fromkeys(PAGES, True)
        assert {sees(client, ann, page).context["is_worker_silent"] for page in PAGES} == {False}

    def test_shows_ones_own_latest_actions_only(self, client):
        ann, manager = make_user(), make_manager()
        for person in (ann, manager):
            LogEntry.objects.create(user=person, object_repr=f"by {person}", action_flag=2, change_message="x")

        text = sees(client, ann).content.decode()

        assert (f"by {ann}" in text, f"by {manager}" in text) == (True, False)

    def test_costs_the_same_however_much_there_is(self, client):
        ann = make_user()
        costs = []
        for count in (1, 10):
            for _ in range(count):
                make_figures(ann) if not Suppression.objects.exists() else make_mailing(ann, status="paused")
                make_mailing(ann, status="scheduled", next_send_at=timezone.now())
            sees(client, ann)
            with CaptureQueriesContext(connection) as queries:
                client.get(HOME)
            costs.append(len(queries))

        assert costs[0] == costs[1]
