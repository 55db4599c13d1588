"""Too many wrong tries close the door to one login from one address, for a quarter of an hour and no longer."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import RequestFactory
from django.urls import reverse

from accounts import journal, lockout, second_step, tasks
from accounts.tests.factories import PASSWORD, app_code, make_manager, make_superuser, make_user, with_second_step

pytestmark = pytest.mark.django_db
LOGIN = reverse("admin:login")
BACKEND = "django.contrib.auth.backends.ModelBackend"
NOON = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOCKED = "Too many wrong tries. Try again in 15 minutes, at 12:15 MSK."


def attempt(client, email, password="wrong-pass-phrase-1", address="203.0.113.7", **more):
    return client.post(LOGIN, {"username": email, "password": password}, REMOTE_ADDR=address, **more)


def sentences(response):
    return list(response.context["form"].non_field_errors()) if response.status_code != 302 else []


def is_in(client):
    return client.get("/admin/").status_code == 200


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


class TestTheFifthWrongTry:
    def test_closes_the_door_and_says_until_when(self, client, noon):
        make_user("ann@staff.example")

        answers = [attempt(client, "ann@staff.example") for _ in range(5)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
        assert sentences(answers[-1]) == [LOCKED]

    def test_closes_it_to_the_right_password_too(self, client, noon):
        make_user("ann@staff.example")
        for _ in range(5):
            attempt(client, "ann@staff.example")

        answer = attempt(client, "ann@staff.example", PASSWORD)

        assert (answer.status_code, sentences(answer), is_in(client)) == (429, [LOCKED], False)

    def test_is_answered_alike_for_a_login_that_nobody_has(self, client, noon):
        make_user("ann@staff.example")
        pages = []

        for email in ("ann@staff.example", "bob@staff.example"):
            answers = [attempt(client, email) for _ in range(6)]
            pages.append([without_what_differs(answer, email) for answer in answers])

        assert pages[0] == pages[1]

    def test_is_told_in_the_language_of_the_page(self, client, noon):
        for _ in range(4):
            attempt(client, "ann@staff.example")

        answer = attempt(client, "ann@staff.example", HTTP_ACCEPT_LANGUAGE="ru")

        assert sentences(answer) == ["Слишком много неудачных попыток. Попробуйте снова через 15 минут, в 12:15 МСК."]

    def test_counts_whatever_the_case_and_the_browser(self, client, noon):
        make_user("ann@staff.example")
        names = ("ann@staff.example", "Ann@Staff.example", " ANN@staff.example ")

        answers = [attempt(client, names[n % 3], HTTP_USER_AGENT=f"browser {n}") for n in range(5)]

        assert answers[-1].status_code == 429


def without_what_differs(answer, email):
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return answer.status_code, body.replace(email, "")


class TestTheLock:
    def lock(self, client, email="ann@staff.example", **more):
        for _ in range(5):
            attempt(client, email, **more)

    def test_is_for_this_login_only(self, client):
        make_user("ann@staff.example")
        make_user("bob@staff.example")
        self.lock(client)

        attempt(client, "bob@staff.example", PASSWORD)

        assert is_in(client)

    def test_is_for_this_address_only(self, client):
        make_user("ann@staff.example")
        self.lock(client)

        attempt(client, "ann@staff.example", PASSWORD, address="198.51.100.4")

        assert is_in(client)

    def test_opens_by_itself_whatever_was_tried_meanwhile(self, client, noon):
        make_user("ann@staff.example")
        self.lock(client)
        noon.shift(timedelta(minutes=14))
        still = attempt(client, "ann@staff.example", PASSWORD)
        noon.shift(timedelta(seconds=61))

        attempt(client, "ann@staff.example", PASSWORD)

        assert sentences(still) == ["Too many wrong tries. Try again in 1 minute, at 12:15 MSK."]
        assert is_in(client)

    def test_is_not_reached_by_four_tries_and_a_right_one(self, client):
        make_user("ann@staff.example")

        for _ in range(3):
            for _ in range(4):
                attempt(client, "ann@staff.example")
            attempt(client, "ann@staff.example", PASSWORD)
            assert is_in(client)
            client.logout()

    def test_is_one_line_of_the_journal(self, client, noon):
        ann = make_user("ann@staff.example")
        self.lock(client)
        self.lock(client)
        self.lock(client, "nobody@staff.example")

        lines = [(line.user, line.object_repr, journal.in_words(line)) for line in LogEntry.objects.all()]

        assert lines == [
            (ann, "ann@staff.example", "Sign-in locked for 15 min after 5 wrong tries from 203.0.113.7"),
        ]

    def test_is_lifted_by_a_superuser(self, client):
        ann = make_user("ann@staff.example")
        self.lock(client)
        client.force_login(make_superuser(), backend=BACKEND)
        page = client.get(reverse("admin:accounts_user_change", args=[ann.pk])).content.decode()

        client.post(reverse("admin:accounts_user_changelist"), {"action": "lift_lock", "_selected_action": [ann.pk]})
        client.logout()
        attempt(client, "ann@staff.example", PASSWORD)

        assert "Lift the lock on sign-in" in page
        assert is_in(client)
        assert "Lock on sign-in lifted" in [journal.in_words(line) for line in LogEntry.objects.all()]

    def test_is_lifted_by_nobody_else(self, client):
        ann = make_user("ann@staff.example")
        self.lock(client)
        client.force_login(make_manager(), backend=BACKEND)

        client.post(reverse("admin:accounts_user_changelist"), {"action": "lift_lock", "_selected_action": [ann.pk]})

        assert lockout.is_locked(ann)


class TestWhatIsKept:
    def test_is_neither_a_password_nor_anything_else_that_was_posted(self, client):
        data = {"username": "ann@staff.example", "password": "secret-1", "code": "secret-2", "Password": "secret-3"}

        for _ in range(2):
            client.post(f"{LOGIN}?next=/secret-4/", data)

        (row,) = AccessAttempt.objects.values()
        assert "secret" not in str(row)
        assert (row["failures_since_start"], row["get_data"], row["post_data"]) == (2, "", "")

    def test_is_no_password_that_was_typed_into_the_wrong_field(self, client):
        answers = [
            client.post(LOGIN, {"username": name, "password": "x"})
            for name in ("my-secret-pass-phrase", "x" * 300 + "@staff.example", "a@b.example\x00", "")
        ]

        assert [answer.status_code for answer in answers] == [200] * 4
        assert not AccessAttempt.objects.exists()

    def test_is_forgotten_once_it_counts_no_more(self, client, noon):
        attempt(client, "old@staff.example")
        noon.shift(timedelta(minutes=16))
        AccessAttempt.objects.create(username="new@staff.example", failures_since_start=1)

        tasks.forget_old.call_local()

        assert [row.username for row in AccessAttempt.objects.all()] == ["new@staff.example"]

    def test_has_no_page_of_the_admin(self):
        apps = {model._meta.app_label for model in admin.site._registry}

        assert apps & {"axes", "otp_totp", "otp_static"} == set()


class TestTheVisitorsAddress:
    @pytest.mark.parametrize(
        ("trusted", "peer", "header", "address"),
        [
            # Without a proxy the header is the visitor's own invention.
            ([], "203.0.113.7", "198.51.100.4", "203.0.113.7"),
            (["127.0.0.1"], "203.0.113.7", "198.51.100.4", "203.0.113.7"),
            # The proxy adds on the right; what stands left of it came with the request.
            (["127.0.0.1"], "127.0.0.1", "203.0.113.7", "203.0.113.7"),
            (["127.0.0.1"], "127.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"),
            (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", "1.1.1.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
            (["127.0.0.1"], "127.0.0.1", "", "127.0.0.1"),
            (["127.0.0.1"], "127.0.0.1", "nonsense", "127.0.0.1"),
            # A socket of this machine has no address.
            (["127.0.0.1"], "", "203.0.113.7", "203.0.113.7"),
            ([], "", "203.0.113.7", None),
            (["nonsense"], "127.0.0.1", "203.0.113.7", "127.0.0.1"),
            # One connection is one visitor.
            ([], "2001:db8:1:2:aaaa:bbbb:cccc:dddd", "", "2001:db8:1:2::"),
            ([], "::ffff:203.0.113.7", "", "203.0.113.7"),
        ],
    )
    def test_is_what_our_own_proxies_vouch_for(self, settings, trusted, peer, header, address):
        settings.TRUSTED_PROXIES = trusted
        request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=header)

        assert lockout.client_address(request) == address

    def test_is_what_is_locked_behind_a_proxy(self, client, settings):
        settings.TRUSTED_PROXIES = ["127.0.0.1"]
        make_user("ann@staff.example")
        for n in range(5):
            forged = f"1.1.1.{n}, 203.0.113.7"
            attempt(client, "ann@staff.example", address="127.0.0.1", HTTP_X_FORWARDED_FOR=forged)

        answers = [
            attempt(client, "ann@staff.example", address="127.0.0.1", HTTP_X_FORWARDED_FOR=visitor)
            for visitor in ("203.0.113.7", "198.51.100.4")
        ]

        assert [answer.status_code for answer in answers] == [429, 200]


class TestWrongCodes:
    def test_close_the_door_as_wrong_passwords_do(self, client, noon):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)
        attempt(client, ann.email, PASSWORD)
        answers = []
        for n in range(5):
            noon.shift(timedelta(seconds=2**n))
            answers.append(client.post(reverse("admin:login_code"), {"code": "000000"}, REMOTE_ADDR="203.0.113.7"))
        second_step.forget_failures(ann)

        right = client.post(reverse("admin:login_code"), {"code": app_code(key, steps=1)}, REMOTE_ADDR="203.0.113.7")

        assert [answer.status_code for answer in (*answers, right)] == [200, 200, 200, 200, 429, 200]
        assert "Too many wrong tries" in right.context["form"].errors["code"][0]
        assert not is_in(client)

    def test_are_forgotten_when_the_lock_is_lifted(self, client, noon):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)
        attempt(client, ann.email, PASSWORD)
        client.post(reverse("admin:login_code"), {"code": "000000"})

        lifted = [lockout.lift(ann), lockout.lift(ann)]
        client.post(reverse("admin:login_code"), {"code": app_code(key, steps=1)})

        assert (lifted, is_in(client)) == ([True, False], True)
