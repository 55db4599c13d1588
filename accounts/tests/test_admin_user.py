"""The pages for people: who makes them, what a form refuses, and what Managers and users see of them."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone, translation

from accounts.journal import in_words
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_manager, make_superuser, make_user
from mailings.tests.factories import make_mailing

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
LIST = reverse("admin:accounts_user_changelist")
ADD = reverse("admin:accounts_user_add")


@pytest.fixture
def boss(client):
    user = make_superuser("boss@staff.example")
    client.force_login(user, backend=BACKEND)
    return user


def change(client, user, **fields):
    data = {"email": user.email, "full_name": "", "time_zone": "Europe/Moscow", "language": "en", **fields}
    return client.post(reverse("admin:accounts_user_change", args=[user.pk]), data)


def lines():
    """Read the journal as it is read in English: about what, and what happened."""
    with translation.override("en"):
        return [(entry.object_repr, in_words(entry)) for entry in LogEntry.objects.order_by("pk")]


def faults(response):
    if response.status_code != 200:
        return {"answer": [f"{response.status_code} {response.get('Location', '')}"]}
    return {name: list(errors) for name, errors in response.context["adminform"].form.errors.items()}


class TestTheForm:
    @pytest.mark.parametrize(
        ("fields", "field", "sentence"),
        [
            ({"time_zone": "Mars/Olympus"}, "time_zone", "“Mars/Olympus” is not a time zone. Write it like"),
            ({"time_zone": "../../etc/passwd"}, "time_zone", "is not a time zone."),
            ({"time_zone": ""}, "time_zone", "This field is required."),
            ({"email": "ann"}, "email", "Enter a valid email address."),
            ({"email": ""}, "email", "This field is required."),
            ({"email": "BORIS@staff.example"}, "email", "This address is taken."),
            ({"language": "de"}, "language", "Select a valid choice."),
            ({"groups": ["x"]}, "groups", "“x” is not a valid value."),
            ({"groups": ["9" * 30]}, "groups", ""),
        ],
    )
    def test_refuses_at_the_field(self, client, boss, fields, field, sentence):
        ann, _boris = make_user("ann@staff.example"), make_user("boris@staff.example")

        found = faults(change(client, ann, **fields))

        ann.refresh_from_db()
        assert list(found) == [field]
        assert sentence in found[field][0]
        assert (ann.email, ann.time_zone, ann.language) == ("ann@staff.example", "Europe/Moscow", "en")

    def test_makes_a_person_in_lower_case(self, client, boss):
        client.post(ADD, {"email": "Ann@Staff.example", "role": "User", "language": "en"})

        made = User.objects.get(email="ann@staff.example")
        assert (made.has_usable_password(), made.is_superuser) == (False, False)

    def test_takes_no_address_twice_in_another_case(self, client, boss):
        make_user("ann@staff.example")

        found = faults(client.post(ADD, {"email": "ANN@staff.example", "role": "User", "language": "en"}))

        assert found == {"email": ["This address is taken."]}

    @pytest.mark.parametrize("password", ["short", "123456789012345", "password1234", "ann@staff.example"])
    def test_takes_no_weak_password(self, client, boss, password):
        ann = make_user("ann@staff.example")
        address = reverse("admin:auth_user_password_change", args=[ann.pk])

        answer = client.post(address, {"password1": password, "password2": password})

        ann.refresh_from_db()
        assert list(answer.context["form"].errors) == ["password2"]
        assert ann.check_password(PASSWORD)

    def test_gives_a_role(self, client, boss):
        ann = make_user("ann@staff.example", role=None)

        change(client, ann, groups=[Group.objects.get(name="Manager").pk])

        assert [group.name for group in ann.groups.all()] == ["Manager"]
        assert ("ann@staff.example", "Role before: none; now: Manager.") in lines()

    def test_writes_down_who_became_a_superuser_and_nothing_where_no_role_changed(self, client, boss):
        ann = make_user("ann@staff.example")
        role = Group.objects.get(name="User").pk

        change(client, ann, groups=[role], full_name="Ann")
        before = len(lines())
        change(client, ann, groups=[role], is_superuser="on")

        assert before == 1
        assert ("ann@staff.example", "Role before: User; now: Superuser, User.") in lines()


class TestThePages:
    def test_of_others_are_closed_to_a_user(self, client):
        ann, boris = make_user("ann@staff.example"), make_user("boris@staff.example")
        client.force_login(ann, backend=BACKEND)

        answers = [
            client.get(address).status_code
            for address in (LIST, ADD, reverse("admin:accounts_user_change", args=[boris.pk]))
        ]

        assert answers == [403, 403, 403]

    @pytest.mark.parametrize("make_person", [make_user, make_manager])
    def test_are_changed_by_superusers_only(self, client, make_person):
        person, victim = make_person(), make_user("victim@staff.example")
        client.force_login(person, backend=BACKEND)
        before = list(User.objects.order_by("pk").values())

        for target in (person, victim):
            change(client, target, is_superuser="on", email="x@y.example", is_active="")
            client.post(
                reverse("admin:auth_user_password_change", args=[target.pk]),
                {"password1": PASSWORD + "1", "password2": PASSWORD + "1", "usable_password": "true"},
            )
        client.post(ADD, {"email": "new@staff.example", "role": "superuser", "language": "en"})

        assert list(User.objects.order_by("pk").values()) == before

    def test_delete_nobody(self, client, boss):
        ann = make_user()
        chosen = {"action": "delete_selected", "_selected_action": [ann.pk], "post": "yes"}

        client.post(reverse("admin:accounts_user_delete", args=[ann.pk]), {"post": "yes"})
        client.post(LIST, chosen)

        assert User.objects.filter(pk=ann.pk).exists()


class TestBlockingSelectedPeople:
    def block(self, client, people, **more):
        data = {"action": "block", "_selected_action": [each.pk for each in people], "index": "0"}
        return client.post(LIST, data | more, follow=True)

    def test_asks_first_and_names_who_cannot_be_blocked(self, client):
        ann, boss, manager = make_user("ann@staff.example"), make_superuser(), make_manager()
        client.force_login(manager, backend=BACKEND)

        page = self.block(client, [ann, boss, manager]).content.decode()

        assert ("ann@staff.example" in page, "A superuser cannot be blocked." in page) == (True, True)
        assert "Nobody can block himself." in page
        assert User.objects.filter(is_active=False).count() == 0

    def test_blocks_those_who_can_be_and_says_why_not_the_others(self, client):
        ann, boss, manager = make_user("ann@staff.example"), make_superuser(), make_manager()
        client.force_login(manager, backend=BACKEND)

        answer = self.block(client, [ann, boss, manager], confirm="1", reason="left")

        levels = sorted(message.level_tag for message in answer.context["messages"])
        assert levels == ["success", "warning", "warning"]
        assert list(User.objects.filter(is_active=False)) == [ann]
        assert lines() == [
            (
                "ann@staff.example",
                "Blocked: “left”. Mailings paused: 0, switched off: 0. What others shared with him and he loses: 0.",
            )
        ]

    def test_says_what_it_stops_and_lets_one_choose_what_becomes_of_it(self, client):
        ann = make_user("ann@staff.example")
        mailing = make_mailing(ann, status="scheduled")
        client.force_login(make_manager("manager@staff.example"), backend=BACKEND)

        page = self.block(client, [ann]).content.decode()
        self.block(client, [ann], confirm="1", reason="fraud", mailings="switch_off")

        mailing.refresh_from_db()
        assert "Mailings under way, scheduled or paused: 1." in page
        assert (mailing.status, str(mailing.switched_off_by), mailing.switched_off_reason) == (
            "switched_off",
            "manager@staff.example",
            "fraud",
        )
        assert lines() == [
            (mailing.title, "Switched off: 0 recipients do not get it. fraud"),
            (
                "ann@staff.example",
                "Blocked: “fraud”. Mailings paused: 0, switched off: 1. What others shared with him and he loses: 0.",
            ),
        ]

    def test_takes_no_other_choice(self, client):
        ann = make_user()
        client.force_login(make_manager(), backend=BACKEND)

        answer = self.block(client, [ann], confirm="1", reason="fraud", mailings="delete")

        ann.refresh_from_db()
        assert ("mailings" in answer.context["form"].errors, ann.is_active) == (True, True)

    def test_is_lifted_and_written_down(self, client):
        ann = make_user("ann@staff.example", is_active=False, blocked_at=timezone.now(), blocked_reason="left")
        client.force_login(make_manager(), backend=BACKEND)

        client.post(LIST, {"action": "unblock", "_selected_action": [ann.pk]})

        ann.refresh_from_db()
        assert (ann.is_active, ann.blocked_at, ann.blocked_reason) == (True, None, "")
        assert lines() == [("ann@staff.example", "Unblocked.")]

    @pytest.mark.parametrize("reason", ["", " ", "x" * 501])
    def test_wants_a_reason(self, client, reason):
        ann = make_user()
        client.force_login(make_manager(), backend=BACKEND)

        answer = self.block(client, [ann], confirm="1", reason=reason)

        ann.refresh_from_db()
        assert ("reason" in answer.context["form"].errors, ann.is_active) == (True, True)


class TestTheList:
    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            ("active", {"boss", "ann"}),
            ("invited", {"new"}),
            ("blocked", {"gone"}),
            ("x", {"boss", "ann", "new", "gone"}),
        ],
    )
    def test_is_filtered_by_state(self, client, boss, state, expected):
        make_user("ann@staff.example")
        make_user("gone@staff.example", is_active=False, blocked_at=timezone.now(), invited_at=timezone.now())
        new = make_user("new@staff.example", invited_at=timezone.now())
        new.set_unusable_password()
        new.save()

        page = client.get(LIST, {"state": state})

        assert {user.email.split("@")[0] for user in page.context["cl"].result_list} == expected


class TestTheJournal:
    def test_shows_a_user_his_own_lines_and_a_manager_everybodys(self, client):
        ann, manager = make_user("ann@staff.example"), make_manager("manager@staff.example")
        for person in (ann, manager):
            LogEntry.objects.create(user=person, object_repr=f"line of {person}", action_flag=2, change_message="x")
        lines = {}

        for person in (ann, manager):
            client.force_login(person, backend=BACKEND)
            page = client.get(reverse("admin:accounts_journalentry_changelist")).content.decode()
            lines[person] = [f"line of {each}" in page for each in (ann, manager)]

        assert lines == {ann: [True, False], manager: [True, True]}

    def test_is_written_by_nobody_by_hand(self, client, boss):
        entry = LogEntry.objects.create(user=boss, object_repr="x", action_flag=2, change_message="before")
        address = reverse("admin:accounts_journalentry_change", args=[entry.pk])

        answers = [
            client.post(address, {"change_message": "after"}).status_code,
            client.post(reverse("admin:accounts_journalentry_delete", args=[entry.pk]), {"post": "yes"}).status_code,
            client.post(reverse("admin:accounts_journalentry_add"), {"change_message": "after"}).status_code,
        ]

        assert (answers, [each.change_message for each in LogEntry.objects.all()]) == ([403] * 3, ["before"])
