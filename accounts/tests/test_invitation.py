"""Somebody new: invited by a superuser, he sets his own password by a link that works once and for a while."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from accounts import blocking, invitation, journal, letters, tasks
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_manager, make_superuser, make_user

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
LIST, ADD = reverse("admin:accounts_user_changelist"), reverse("admin:accounts_user_add")
HAS_PASSWORD = "The user has set a password already. “Forgotten your password?” leads to a new one."
NEW = {"email": "New@staff.example", "full_name": "Nina New", "role": "Manager", "language": "en"}


@pytest.fixture
def boss(client):
    user = make_superuser("boss@staff.example")
    client.force_login(user, backend=BACKEND)
    return user


def make_invited(email="new@staff.example", **fields):
    user = make_user(email, invited_at=timezone.now(), **fields)
    user.set_unusable_password()
    user.save()
    return user


def queue():
    return [task.args for task in tasks.send_invitation.huey.pending() if task.name == "send_invitation"]


def link_in(letter):
    return re.search(r"http://testserver(/invitation/\S+)", letter.body)[1]


def letter_to(user, mailoutbox):
    letters.send_invitation(user.pk)
    return mailoutbox[-1]


def open_link(client, link):
    return client.get(link, follow=True)


def set_password(client, link, password=PASSWORD):
    page = open_link(client, link)
    if not page.context["validlink"]:
        return page
    address = page.redirect_chain[-1][0]
    return client.post(address, {"new_password1": password, "new_password2": password}, follow=True)


def act(client, action, *people):
    return client.post(LIST, {"action": action, "_selected_action": [user.pk for user in people]}, follow=True)


def messages_of(page):
    return [(message.level_tag, str(message)) for message in page.context["messages"]]


class TestInviting:
    def test_makes_a_user_without_a_password_and_leaves_the_letter_to_a_worker(
        self, client, boss, mailoutbox, django_capture_on_commit_callbacks
    ):
        before = len(queue())

        with django_capture_on_commit_callbacks(execute=True):
            client.post(ADD, NEW)

        made = User.objects.get(email="new@staff.example")
        assert (made.full_name, made.role_names(), made.language) == ("Nina New", "Manager", "en")
        assert (made.is_invited, made.has_usable_password(), made.is_superuser) == (True, False, False)
        assert (queue()[before:], mailoutbox) == ([(made.pk,)], [])
        assert [journal.in_words(line) for line in LogEntry.objects.filter(user=boss)] == ["Invited"]

    def test_leads_to_a_page_that_says_until_when(self, client, boss):
        with time_machine.travel("2026-03-02 09:00 +0000", tick=False):
            page = client.post(ADD, NEW, follow=True).content.decode()

        assert "Invited: the link sent to new@staff.example works until 5 Mar 2026, 12:00 MSK." in page

    def test_asks_for_no_more_than_it_takes(self, client, boss):
        page = client.get(ADD).content.decode()

        assert set(re.findall(r'<(?:input|select)[^>]* name="(\w+)"', page)) - {"csrfmiddlewaretoken", "next", "q"} == {
            "email",
            "full_name",
            "role",
            "language",
        }

    def test_makes_a_superuser_too(self, client, boss):
        client.post(ADD, NEW | {"role": "superuser"})

        assert User.objects.get(email="new@staff.example").is_superuser

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"email": ""}, "email"),
            ({"email": "nonsense"}, "email"),
            ({"email": "BOSS@staff.example"}, "email"),
            ({"role": ""}, "role"),
            ({"role": "Owner"}, "role"),
            ({"language": "xx"}, "language"),
            ({"full_name": "x" * 151}, "full_name"),
        ],
    )
    def test_refuses_at_the_field(self, client, boss, fields, field):
        before = len(queue())

        page = client.post(ADD, NEW | fields)

        assert list(page.context["adminform"].form.errors) == [field]
        assert (User.objects.count(), len(queue())) == (1, before)

    @pytest.mark.parametrize("make_person", [make_user, make_manager])
    def test_is_not_for_others(self, client, make_person):
        client.force_login(make_person(), backend=BACKEND)

        answer = client.post(ADD, NEW)

        assert (answer.status_code, User.objects.count()) == (403, 1)


class TestTheLetter:
    def test_is_in_the_language_and_the_zone_of_the_invited(self, mailoutbox):
        with time_machine.travel("2026-03-02 09:00 +0000", tick=False):
            user = make_invited(language="ru", time_zone="Asia/Vladivostok")

            letter = letter_to(user, mailoutbox)

        assert (letter.to, letter.subject) == (["new@staff.example"], "Postroom: приглашение")
        assert "до 05.03.2026 19:00 UTC+10" in letter.body
        assert "http://testserver/invitation/" in letter.body

    def test_leads_to_a_password_and_in(self, client, mailoutbox):
        user = make_invited()
        link = link_in(letter_to(user, mailoutbox))

        page = open_link(client, link).content.decode()
        done = set_password(client, link)
        client.post(reverse("admin:login"), {"username": user.email, "password": PASSWORD})

        assert "Set a password to sign in with as new@staff.example." in page
        assert done.redirect_chain[-1][0] == reverse("password_reset_complete")
        assert client.get("/admin/").status_code == 200
        user.refresh_from_db()
        assert not user.is_invited

    @pytest.mark.parametrize(
        "password", ["short", "123456789012345", "password1234", "new@staff.example", "konstantinopolsky"]
    )
    def test_leads_to_no_weak_password(self, client, mailoutbox, password):
        user = make_invited(full_name="Konstantin Konstantinopolsky")

        page = set_password(client, link_in(letter_to(user, mailoutbox)), password)

        user.refresh_from_db()
        assert (list(page.context["form"].errors), user.is_invited) == (["new_password2"], True)

    def test_goes_to_nobody_who_has_a_password_or_is_blocked(self, mailoutbox):
        blocked = make_invited("blocked@staff.example", is_active=False, blocked_at=timezone.now())
        for pk in (make_user().pk, blocked.pk, 987654):
            letters.send_invitation(pk)

        assert mailoutbox == []


class TestTheLink:
    def test_works_once(self, client, mailoutbox):
        link = link_in(letter_to(make_invited(), mailoutbox))
        set_password(client, link)

        assert set_password(client, link, "another-long-phrase-8").context["validlink"] is False

    @pytest.mark.parametrize(("days", "works"), [(2.9, True), (3.1, False)])
    def test_works_for_three_days(self, client, mailoutbox, days, works):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            link = link_in(letter_to(make_invited(), mailoutbox))
            clock.shift(timedelta(days=days))

            assert open_link(client, link).context["validlink"] is works

    def test_stops_working_when_a_newer_one_is_sent(self, client, mailoutbox):
        user = make_invited()
        old = link_in(letter_to(user, mailoutbox))
        new = link_in(letter_to(invitation.renew(user.pk), mailoutbox))

        assert [open_link(client, link).context["validlink"] for link in (old, new)] == [False, True]

    def test_is_dead_after_a_block_also_when_that_is_lifted(self, client, mailoutbox):
        user, manager = make_invited(), make_manager()
        link = link_in(letter_to(user, mailoutbox))
        blocking.block(user.pk, manager, "mistake")
        blocked = open_link(client, link).context["validlink"]
        blocking.unblock(user.pk, manager)

        assert (blocked, open_link(client, link).context["validlink"]) == (False, False)

    def test_of_one_opens_nothing_for_another(self, client, mailoutbox):
        first, second = make_invited("first@staff.example"), make_invited("second@staff.example")
        token = link_in(letter_to(first, mailoutbox)).rstrip("/").rpartition("/")[2]
        foreign = letters.invitation_path(second).rstrip("/").rpartition("/")[0]

        assert open_link(client, f"{foreign}/{token}/").context["validlink"] is False

    @pytest.mark.parametrize(
        "path", ["x/y", "MQ/set-password", "MQ/a:b", "%F0%9F%98%80/x", "OTk5OTk5OTk5OTk5OTk5OTk5OTk/x"]
    )
    def test_survives_nonsense(self, client, path):
        page = client.get(f"/invitation/{path}/")

        assert (page.status_code, page.context["validlink"]) == (200, False)

    def test_is_no_link_for_a_new_password(self, client, mailoutbox):
        """And the other way round: each kind of link opens its own page only."""
        user, known = make_invited(), make_user("known@staff.example")
        invited = link_in(letter_to(user, mailoutbox))
        letters.send_reset_letter(known.pk)
        reset = re.search(r"http://testserver(/reset/\S+)", mailoutbox[-1].body)[1]
        crossed = (invited.replace("/invitation/", "/reset/"), reset.replace("/reset/", "/invitation/"))

        assert [open_link(client, link).context["validlink"] for link in crossed] == [False, False]


class TestSendingAgain:
    def test_renews_the_link_and_is_written_down(self, client, boss):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            user = make_invited()
            clock.shift(timedelta(days=4))
            client.force_login(boss, backend=BACKEND)
            before = len(queue())
            old = client.get(reverse("admin:accounts_user_change", args=[user.pk])).content.decode()

            page = act(client, "invite_again", user)

            user.refresh_from_db()
            assert user.invited_at == timezone.now()
        assert "The invitation ended at" in old
        assert queue()[before:] == [(user.pk,)]
        assert messages_of(page)[0][0] == "success"
        assert [journal.in_words(line) for line in LogEntry.objects.all()] == ["Invitation sent again"]

    def test_is_refused_for_those_who_are_in_or_blocked(self, client, boss):
        known = make_user("known@staff.example")
        blocked = make_invited("blocked@staff.example", is_active=False, blocked_at=timezone.now())
        before = len(queue())

        page = act(client, "invite_again", known, blocked)

        assert sorted(messages_of(page)) == [
            ("warning", "blocked@staff.example: The user is blocked. Unblock him first."),
            ("warning", f"known@staff.example: {HAS_PASSWORD}"),
        ]
        assert len(queue()) == before

    @pytest.mark.parametrize("make_person", [make_user, make_manager])
    def test_is_not_for_others(self, client, make_person):
        user = make_invited()
        client.force_login(make_person(), backend=BACKEND)
        before = len(queue())

        act(client, "invite_again", user)

        assert len(queue()) == before


class TestTheInvited:
    def test_is_shown_as_such(self, client, boss):
        user = make_invited()

        pages = [
            client.get(address).content.decode()
            for address in (LIST, reverse("admin:accounts_user_change", args=[user.pk]))
        ]

        assert [">invited<" in page for page in pages] == [True, True]

    def test_gets_no_letter_for_a_forgotten_password(self, client, mailoutbox):
        user = make_invited()
        before = len(tasks.send_reset_letter.huey.pending())

        client.post(reverse("admin_password_reset"), {"email": user.email})
        letters.send_reset_letter(user.pk)

        assert (len(tasks.send_reset_letter.huey.pending()), mailoutbox) == (before, [])

    def test_is_invited_no_more_once_a_superuser_sets_a_password(self, client, boss, mailoutbox):
        user = make_invited()
        link = link_in(letter_to(user, mailoutbox))
        data = {"password1": PASSWORD, "password2": PASSWORD}

        client.post(reverse("admin:auth_user_password_change", args=[user.pk]), data)

        user.refresh_from_db()
        assert (user.is_invited, open_link(client, link).context["validlink"]) == (False, False)
