"""What can be done to a mailing: who may, in which state, what he is told first, and what is written down."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone, translation
from guardian.shortcuts import assign_perm

from accounts.journal import in_words
from mailings import operations
from mailings.admin.verb import VERBS
from mailings.models import Delivery, Mailing, Run, Suppression
from mailings.tests.factories import make_client, make_list, make_mailing, make_manager, make_message, make_user

pytestmark = pytest.mark.django_db
LIST = reverse("admin:mailings_mailing_changelist")
BACKEND = "django.contrib.auth.backends.ModelBackend"
STATES = ("created", "scheduled", "running", "paused", "completed", "switched_off")
# Where each verb is possible, for a mailing whose window is open and whose last run has one refused and one unknown.
POSSIBLE = {
    "launch": {"created", "scheduled", "completed"},
    "pause": {"scheduled", "running"},
    "resume": {"paused"},
    "switch_off": {"created", "scheduled", "running", "paused"},
    "retry_failed": {"created", "scheduled", "running", "paused", "completed"},
    "retry_unknown": {"created", "scheduled", "running", "paused", "completed"},
}


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", language="en")
    client.force_login(user, backend=BACKEND)
    return user


def url(mailing, verb):
    return reverse(f"admin:mailings_mailing_{verb}", args=[mailing.pk])


def text_of(response):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def make_run(owner, status="running", states=("refused", "unknown"), **fields):
    """Make a mailing with a last run whose deliveries are in these states."""
    mailing = make_mailing(owner, [make_client(owner)], status=status, **fields)
    sums = {name: states.count(name) for name in ("accepted", "refused", "deferred", "unknown")}
    is_over = not set(states) & {"pending", "deferred"}
    run = Run.objects.create(
        owner=owner,
        mailing=mailing,
        snapshot={},
        total=len(states),
        finished_at=timezone.now() if is_over else None,
        **sums,
    )
    for number, state in enumerate(states):
        later = timezone.now() + timedelta(hours=1) if state == "deferred" else None
        address = f"client{number}@client.example"
        Delivery.objects.create(owner=owner, run=run, address=address, state=state, next_try_at=later)
    return mailing


def confirm(client, mailing, verb, **fields):
    """Do as a person does: look at the page, then send what stands in its form."""
    page = client.get(url(mailing, verb))
    return client.post(url(mailing, verb), {**hidden_of(page), **fields}, follow=True)


def hidden_of(page):
    return dict(re.findall(r'type="hidden" name="(?!csrf)(\w+)" value="([^"]*)"', page.content.decode()))


def act_on(client, verb, mailings, **fields):
    """Choose an action for selected rows, and say yes to the page that follows."""
    chosen = {"_selected_action": [mailing.pk for mailing in mailings]}
    page = client.post(LIST, {"action": verb, **chosen})
    return page, client.post(LIST, {**hidden_of(page), **chosen, **fields}, follow=True)


def rows():
    return [
        list(Mailing.objects.order_by("pk").values()),
        list(Run.objects.order_by("pk").values()),
        list(Delivery.objects.order_by("pk").values()),
        LogEntry.objects.count(),
    ]


def sentences():
    with translation.override("en"):
        return [in_words(entry) for entry in LogEntry.objects.order_by("pk")]


@pytest.mark.parametrize("verb", VERBS)
class TestEveryVerb:
    def test_is_nobodys_without_a_login(self, client, verb):
        mailing = make_run(make_user())
        before = rows()

        response = client.post(url(mailing, verb), {"confirm": "1", "count": "1"})

        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
        assert rows() == before

    def test_does_not_tell_another_owner_whether_it_exists(self, client, ann, verb):
        mailing = make_run(make_user())
        before = rows()

        answers = [
            client.post(address, {"confirm": "1", "count": "1"}).status_code
            for address in (url(mailing, verb), reverse(f"admin:mailings_mailing_{verb}", args=[987654]))
        ]

        assert (answers, rows()) == ([404, 404], before)

    def test_is_refused_to_somebody_without_a_role(self, client, verb):
        mailing = make_run(make_user())
        client.force_login(make_user(role=None), backend=BACKEND)
        before = rows()

        status = client.post(url(mailing, verb), {"confirm": "1", "count": "1"}).status_code

        assert (status in {403, 404}, rows()) == (True, before)

    def test_is_refused_to_somebody_it_is_only_shown_to(self, client, ann, verb):
        mailing = make_run(make_user())
        assign_perm("view_mailing", ann, mailing)
        before = rows()

        status = client.post(url(mailing, verb), {"confirm": "1", "count": "1"}).status_code

        assert (status, rows()) == (403, before)

    def test_is_refused_to_a_manager_unless_it_switches_off(self, client, verb):
        mailing = make_run(make_user(), states=("pending",))
        client.force_login(make_manager(), backend=BACKEND)
        before = rows()

        status = client.post(url(mailing, verb), {"confirm": "1", "count": "1"}).status_code

        assert (status, rows() == before) == ((302, False) if verb == "switch_off" else (403, True))

    def test_changes_nothing_by_being_looked_at(self, client, ann, verb):
        mailings = [make_run(ann, status) for status in sorted(POSSIBLE[verb])]
        before = rows()

        pages = [client.get(url(mailing, verb) + "?confirm=1&count=1") for mailing in mailings]

        assert {page.status_code for page in pages} == {200}
        assert rows() == before

    def test_asks_before_it_does_anything(self, client, ann, verb):
        mailings = [make_run(ann, status) for status in sorted(POSSIBLE[verb])]
        before = rows()

        pages = [client.post(url(mailing, verb)) for mailing in mailings]

        assert {page.status_code for page in pages} == {200}
        assert rows() == before

    @pytest.mark.parametrize("status", STATES)
    def test_is_done_in_the_right_states_and_explained_in_the_others(self, client, ann, verb, status):
        mailing = make_run(ann, status)
        before = rows()

        page = client.get(url(mailing, verb))
        answer = client.post(url(mailing, verb), {**hidden_of(page), "confirm": "1"}, follow=True)

        is_possible = status in POSSIBLE[verb]
        assert ("will not happen" not in text_of(page), rows() != before) == (is_possible, is_possible)
        levels = [message.level_tag for message in answer.context["messages"]]
        assert levels == (["success"] if is_possible else ["warning"])
        assert len(sentences()) == int(is_possible)

    def test_does_what_it_can_with_selected_ones(self, client, ann, verb):
        right = [make_run(ann, status) for status in STATES if status in POSSIBLE[verb]]
        wrong = [make_run(ann, status) for status in STATES if status not in POSSIBLE[verb]]
        untouched = Mailing.objects.filter(pk__in=[each.pk for each in wrong])
        before = list(untouched.order_by("pk").values())

        page, answer = act_on(client, verb, [*right, *wrong])

        levels = [message.level_tag for message in answer.context["messages"]]
        assert text_of(page).count("will not happen") == len(wrong)
        assert (levels.count("success"), levels.count("warning")) == (len(right), len(wrong))
        assert list(untouched.order_by("pk").values()) == before
        assert len(sentences()) == len(right)


class TestTheButtons:
    @pytest.mark.parametrize("status", STATES)
    def test_are_those_of_the_verbs_that_are_possible(self, client, ann, status):
        mailing = make_run(ann, status)

        page = client.get(reverse("admin:mailings_mailing_change", args=[mailing.pk])).content.decode()

        shown = {verb for verb in VERBS if f'"{url(mailing, verb)}"' in page}
        assert shown == {verb for verb, states in POSSIBLE.items() if status in states}

    def test_are_for_switching_off_only_where_a_manager_looks(self, client):
        mailing = make_run(make_user())
        client.force_login(make_manager(), backend=BACKEND)

        page = client.get(reverse("admin:mailings_mailing_change", args=[mailing.pk])).content.decode()

        assert [verb for verb in (*VERBS, "copy") if f'"{url(mailing, verb)}"' in page] == ["switch_off"]


class TestLaunch:
    def test_says_how_many_get_it_who_is_left_out_and_why(self, client, ann):
        people = [make_client(ann) for _ in range(5)]
        refused = make_list(ann, people[:1])
        mailing = make_mailing(ann, people[:2], [make_list(ann, people)])
        mailing.excluded_lists.add(refused)
        Suppression.objects.create(owner=ann, address=people[1].email)
        Suppression.objects.create(owner=None, address=people[2].email)

        page = text_of(client.get(url(mailing, "launch")))

        assert "2 recipients; starts at once, ends by" in page
        assert ("2 — suppressed addresses" in page, "1 — on an excluded list" in page) == (True, True)
        assert "Launch 2 letters" in page

    def test_sends_to_exactly_those(self, client, ann):
        people = [make_client(ann) for _ in range(3)]
        mailing = make_mailing(ann, people)
        Suppression.objects.create(owner=ann, address=people[0].email)

        confirm(client, mailing, "launch")

        assert set(Delivery.objects.values_list("address", "state")) == {(each.email, "pending") for each in people[1:]}
        assert sentences() == ["Launched: 2 recipients."]
        assert LogEntry.objects.get().object_id == str(mailing.pk)

    def test_schedules_what_begins_later(self, client, ann):
        later = timezone.now() + timedelta(hours=2)
        mailing = make_mailing(ann, [make_client(ann)], first_send_at=later)

        page = text_of(client.get(url(mailing, "launch")))
        confirm(client, mailing, "launch")

        mailing.refresh_from_db()
        assert "1 recipient; starts at" in page
        assert (mailing.status, mailing.next_send_at, Run.objects.count()) == ("scheduled", later, 0)
        assert sentences()[0].startswith("Scheduled: starts at ")

    def test_asks_again_when_the_number_has_changed(self, client, ann):
        mailing = make_mailing(ann, [make_client(ann)])
        page = client.get(url(mailing, "launch"))
        mailing.clients.add(make_client(ann))

        answer = client.post(url(mailing, "launch"), hidden_of(page))

        assert "The number of recipients has changed. Look again." in text_of(answer)
        assert "Launch 2 letters" in text_of(answer)
        assert Run.objects.count() == 0

    @pytest.mark.parametrize("count", ["", "0", "x", "-1", "9" * 30])
    def test_takes_no_other_number(self, client, ann, count):
        mailing = make_mailing(ann, [make_client(ann)])

        answer = client.post(url(mailing, "launch"), {"confirm": "1", "count": count})

        assert (answer.status_code, Run.objects.count()) == (200, 0)

    def test_makes_one_run_of_two_clicks(self, client, ann):
        mailing = make_mailing(ann, [make_client(ann)])
        form = hidden_of(client.get(url(mailing, "launch")))

        for _ in range(2):
            client.post(url(mailing, "launch"), form)

        assert (Run.objects.count(), Delivery.objects.count(), len(sentences())) == (1, 1, 1)

    def test_warns_of_what_has_been_sent_already(self, client, ann):
        mailing = make_run(ann, "completed", ("accepted",))

        assert "It has been sent 1 time already." in text_of(client.get(url(mailing, "launch")))

    @pytest.mark.parametrize("reason", ["nobody chosen", "all suppressed"])
    def test_is_not_possible_without_anybody_to_get_it(self, client, ann, reason):
        chosen = [make_client(ann)] if reason == "all suppressed" else []
        mailing = make_mailing(ann, chosen)
        for each in chosen:
            Suppression.objects.create(owner=ann, address=each.email)

        page = text_of(client.get(url(mailing, "launch")))
        client.post(url(mailing, "launch"), {"confirm": "1", "count": "0"})

        assert "It has no recipients." in page
        assert (Run.objects.count(), sentences()) == (0, [])

    def test_is_not_possible_after_its_window(self, client, ann):
        past = timezone.now() - timedelta(days=1)
        mailing = make_mailing(ann, [make_client(ann)], first_send_at=past, finish_send_at=past + timedelta(hours=1))

        page = text_of(client.get(url(mailing, "launch")))
        client.post(url(mailing, "launch"), {"confirm": "1", "count": "0"})

        assert "Its window has ended. Choose a later end." in page
        assert Run.objects.count() == 0

    def test_of_selected_ones_counts_them_together(self, client, ann):
        mailings = [make_mailing(ann, [make_client(ann)]), make_mailing(ann, [make_client(ann), make_client(ann)])]

        page, _answer = act_on(client, "launch", mailings)

        assert "Launch 3 letters" in text_of(page)
        assert sorted(sentences()) == ["Launched: 1 recipient.", "Launched: 2 recipients."]


class TestSwitchOff:
    def test_of_a_manager_stops_anybodys_mailing_and_says_why(self, client):
        owner, manager = make_user(), make_manager("manager@staff.example")
        mailing = make_run(owner, states=("accepted", "pending", "pending", "deferred"))
        client.force_login(manager, backend=BACKEND)

        page = text_of(client.get(url(mailing, "switch_off")))
        confirm(client, mailing, "switch_off", reason="Not agreed upon.")

        mailing.refresh_from_db()
        run = mailing.runs.get()
        assert "Recipients still waiting: 3." in page
        assert (mailing.status, mailing.switched_off_by, mailing.switched_off_reason) == (
            "switched_off",
            manager,
            "Not agreed upon.",
        )
        assert (run.accepted, run.deferred, run.cancelled, run.finished_at is None) == (1, 0, 3, False)
        assert sentences() == ["Switched off: 3 recipients do not get it. Not agreed upon."]

    def test_is_told_to_the_owner_on_the_mailings_page(self, client, ann):
        mailing = make_run(ann, states=("pending",))
        operations.switch_off(mailing.pk, make_manager("manager@staff.example"), "Not agreed upon.")

        page = text_of(client.get(reverse("admin:mailings_mailing_change", args=[mailing.pk])))

        assert "Not agreed upon." in page

    def test_of_a_manager_leaves_the_form_closed(self, client):
        mailing = make_mailing(make_user(), title="before")
        client.force_login(make_manager(), backend=BACKEND)
        address = reverse("admin:mailings_mailing_change", args=[mailing.pk])

        page, answer = client.get(address), client.post(address, {"title": "after"})

        mailing.refresh_from_db()
        assert (page.status_code, answer.status_code, mailing.title) == (200, 403, "before")
        assert 'name="title"' not in page.content.decode()


class TestRetry:
    @pytest.mark.parametrize(("verb", "state"), [("retry_failed", "refused"), ("retry_unknown", "unknown")])
    def test_sends_again_to_those_and_to_nobody_else(self, client, ann, verb, state):
        mailing = make_run(ann, "completed", ("accepted", "refused", "refused", "unknown", "unknown"))

        page = text_of(client.get(url(mailing, verb)))
        confirm(client, mailing, verb)

        other = {"refused": "unknown", "unknown": "refused"}[state]
        states = sorted(Delivery.objects.values_list("state", flat=True))
        assert "2 recipients are tried again." in page
        assert states == sorted(["accepted", other, other, "pending", "pending"])
        assert sentences()[0].startswith("Sent again to 2 recipients")

    def test_is_not_possible_when_everybody_has_it(self, client, ann):
        mailing = make_run(ann, "completed", ("accepted",))
        before = rows()

        page = text_of(client.get(url(mailing, "retry_failed")))
        client.post(url(mailing, "retry_failed"), {"confirm": "1", "count": "0"})

        assert "will not happen" in page
        assert rows() == before


class TestCopy:
    def test_makes_a_mailing_of_ones_own_with_the_same_recipients(self, client, ann):
        person, named, refused = make_client(ann), make_list(ann), make_list(ann)
        mailing = make_mailing(ann, [person], [named], status="switched_off", title="Sale")
        mailing.excluded_lists.add(refused)

        client.post(url(mailing, "copy"))

        made = Mailing.objects.exclude(pk=mailing.pk).get()
        assert (made.owner, made.title, made.status, made.message) == (ann, "Copy of Sale", "created", mailing.message)
        assert [*made.clients.all(), *made.lists.all(), *made.excluded_lists.all()] == [person, named, refused]
        assert sentences() == ["Copied from “Sale”."]

    @pytest.mark.parametrize("method", ["get", "head"])
    def test_is_not_made_by_looking(self, client, ann, method):
        mailing = make_mailing(ann)

        status = getattr(client, method)(url(mailing, "copy")).status_code

        assert (status, Mailing.objects.count()) == (404, 1)

    @pytest.mark.parametrize("make_person", [make_user, make_manager, lambda: make_user(role=None)])
    def test_is_not_made_of_anothers_mailing(self, client, make_person):
        mailing = make_mailing(make_user())
        client.force_login(make_person(), backend=BACKEND)

        status = client.post(url(mailing, "copy")).status_code

        assert (status in {403, 404}, Mailing.objects.count()) == (True, 1)

    def test_takes_nothing_along_that_is_only_shown(self, client, ann):
        owner = make_user()
        message = make_message(owner)
        mailing = make_mailing(owner, [make_client(owner)], [make_list(owner)], message=message)
        assign_perm("view_mailing", ann, mailing)
        assign_perm("use_message", ann, message)

        client.post(url(mailing, "copy"))

        made = Mailing.objects.get(owner=ann)
        assert (made.message, made.clients.count(), made.lists.count()) == (message, 0, 0)


class TestAStartedMailing:
    @pytest.mark.parametrize("status", ["running", "paused", "completed", "switched_off"])
    def test_has_a_frozen_form(self, client, ann, status):
        mailing = make_run(ann, status, title="before")
        address = reverse("admin:mailings_mailing_change", args=[mailing.pk])
        before = rows()
        later = timezone.localtime() + timedelta(days=9)
        forged = {"title": "after", "message": make_message(ann).pk, "lists": [make_list(ann).pk], "rhythm": "daily"}
        forged |= {"finish_send_at_0": f"{later:%Y-%m-%d}", "finish_send_at_1": "10:00", "clients": []}

        page = client.get(address).content.decode()
        client.post(address, forged)

        names = ("title", "message", "lists", "clients", "excluded_lists", "first_send_at_0", "rhythm")
        assert [name for name in names if f'name="{name}"' in page] == []
        assert rows()[:3] == before[:3]
        assert list(mailing.lists.all()) == []
        assert mailing.clients.count() == 1

    def test_is_not_saved_by_a_form_that_was_opened_before(self, client, ann):
        """The page was open while the schedule started the mailing."""
        mailing = make_mailing(ann, [make_client(ann)], title="before")
        operations.launch(mailing.pk, ann)

        client.post(reverse("admin:mailings_mailing_change", args=[mailing.pk]), {"title": "after"})

        mailing.refresh_from_db()
        assert (mailing.title, mailing.status) == ("before", "running")


class TestAScheduledMailing:
    def edit(self, client, mailing, first, **fields):
        """Save its form with another beginning."""
        local = timezone.localtime
        data = {
            "title": mailing.title,
            "message": mailing.message_id,
            "clients": [each.pk for each in mailing.clients.all()],
            "rhythm": mailing.rhythm,
            "first_send_at_0": f"{local(first):%Y-%m-%d}",
            "first_send_at_1": f"{local(first):%H:%M:%S}",
            "finish_send_at_0": f"{local(mailing.finish_send_at):%Y-%m-%d}",
            "finish_send_at_1": f"{local(mailing.finish_send_at):%H:%M:%S}",
        }
        return client.post(reverse("admin:mailings_mailing_change", args=[mailing.pk]), data | fields)

    @pytest.fixture
    def scheduled(self, ann):
        first = (timezone.now() + timedelta(hours=2)).replace(microsecond=0)
        end = first + timedelta(days=5)
        mailing = make_mailing(ann, [make_client(ann)], first_send_at=first, finish_send_at=end)
        operations.launch(mailing.pk, ann)
        mailing.refresh_from_db()
        return mailing

    def test_starts_at_its_new_time(self, client, scheduled):
        first = scheduled.first_send_at + timedelta(hours=3)

        self.edit(client, scheduled, first)

        scheduled.refresh_from_db()
        assert (scheduled.status, scheduled.first_send_at, scheduled.next_send_at) == ("scheduled", first, first)

    def test_starts_at_once_when_its_time_is_moved_into_the_past(self, client, scheduled):
        """Moved back by a minute, a mailing that goes out once must still go out, not fall silent."""
        now = timezone.now()

        self.edit(client, scheduled, now - timedelta(minutes=1))

        scheduled.refresh_from_db()
        assert scheduled.status == "scheduled"
        assert scheduled in Mailing.objects.due(now + timedelta(seconds=1))

    def test_keeps_to_its_rhythm_after_its_first_run(self, client, scheduled):
        Mailing.objects.filter(pk=scheduled.pk).update(
            first_send_at=timezone.now().replace(microsecond=0) - timedelta(hours=1), rhythm="daily"
        )
        scheduled.refresh_from_db()
        Run.objects.create(owner=scheduled.owner, mailing=scheduled, snapshot={}, finished_at=timezone.now())

        self.edit(client, scheduled, scheduled.first_send_at, title="after")

        scheduled.refresh_from_db()
        assert (scheduled.title, scheduled.next_send_at) == ("after", scheduled.first_send_at + timedelta(days=1))


class TestDeleting:
    def delete(self, client, row):
        return client.post(reverse(f"admin:mailings_{row._meta.model_name}_delete", args=[row.pk]), {"post": "yes"})

    def test_a_client_leaves_his_deliveries_their_address(self, client, ann):
        person = make_client(ann, "ivan@client.example")
        mailing = make_mailing(ann, [person])
        operations.launch(mailing.pk, ann)

        response = self.delete(client, person)

        assert response.status_code == 302
        assert list(Delivery.objects.values_list("client", "address")) == [(None, "ivan@client.example")]

    def test_selected_clients_leave_their_deliveries_too(self, client, ann):
        people = [make_client(ann) for _ in range(3)]
        mailing = make_mailing(ann, people)
        operations.launch(mailing.pk, ann)
        chosen = {"action": "delete_selected", "_selected_action": [each.pk for each in people], "post": "yes"}

        client.post(reverse("admin:mailings_client_changelist"), chosen)

        assert (ann.pk, Delivery.objects.filter(client=None).count()) == (ann.pk, 3)

    @pytest.mark.parametrize("way", ["page", "action"])
    def test_a_message_is_refused_while_a_mailing_uses_it(self, client, ann, way):
        message = make_message(ann)
        make_mailing(ann, message=message, title="Sale")
        chosen = {"action": "delete_selected", "_selected_action": [message.pk], "post": "yes"}
        page = reverse("admin:mailings_message_changelist")

        response = self.delete(client, message) if way == "page" else client.post(page, chosen)

        message.refresh_from_db()
        assert (response.status_code, "Sale" in text_of(response)) == (200, True)

    @pytest.mark.parametrize("way", ["page", "action"])
    def test_a_mailing_is_refused_once_it_has_run(self, client, ann, way):
        mailing = make_run(ann, "completed", ("accepted",))
        chosen = {"action": "delete_selected", "_selected_action": [mailing.pk], "post": "yes"}

        response = self.delete(client, mailing) if way == "page" else client.post(LIST, chosen)

        mailing.refresh_from_db()
        assert (response.status_code, mailing.runs.count()) == (200, 1)

    def test_a_mailing_that_never_ran_is_gone(self, client, ann):
        mailing = make_mailing(ann, [make_client(ann)])

        self.delete(client, mailing)

        assert Mailing.objects.count() == 0

    def test_a_suppression_that_is_not_by_hand_is_refused(self, client, ann):
        kept = Suppression.objects.create(owner=ann, address="a@client.example", reason="unsubscribed")
        lifted = Suppression.objects.create(owner=ann, address="b@client.example")
        chosen = {"action": "delete_selected", "_selected_action": [kept.pk, lifted.pk], "post": "yes"}

        answers = [self.delete(client, kept).status_code]
        client.post(reverse("admin:mailings_suppression_changelist"), chosen)
        together = set(Suppression.objects.all())
        answers.append(self.delete(client, lifted).status_code)

        assert (answers, kept in together) == ([403, 302], True)
        assert list(Suppression.objects.all()) == [kept]
