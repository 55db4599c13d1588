"""Two-step sign-in: the whole way, what it refuses, and whom REQUIRE_2FA stops."""

import re
from base64 import b32decode
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import blocking, journal, second_step, waiting
from accounts.models import User
from accounts.tests.factories import PASSWORD, app_code, make_manager, make_superuser, make_user, with_second_step
from mailings.tests.admin import crawl
from mailings.tests.admin.test_addresses import filled

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
LOGIN, CODE = reverse("admin:login"), reverse("admin:login_code")
PAGE, PROFILE = reverse("admin:second_step"), reverse("admin:profile")


def give_password(client, user, password=PASSWORD, **more):
    return client.post(LOGIN, {"username": user.email, "password": password, **more})


def give_code(client, code):
    return client.post(CODE, {"code": code})


def is_in(client):
    return client.get(PROFILE).status_code == 200


def faults(response):
    return [sentence for errors in response.context["form"].errors.values() for sentence in errors]


def lines():
    return [journal.in_words(line) for line in LogEntry.objects.order_by("pk")]


def shown_key(page):
    """Read the key as a person would type it into an app."""
    text = re.search(r'<code class="key"[^>]*>([A-Z2-7 ]+)</code>', page.content.decode())[1]
    return b32decode(text.replace(" ", "")).hex()


@pytest.fixture
def ann(client):
    user = make_user("ann@staff.example", full_name="Ann")
    client.force_login(user, backend=BACKEND)
    return user


class TestSwitchingOn:
    def test_shows_the_key_as_picture_and_text_and_wants_a_code(self, client, ann):
        page = client.get(PAGE)
        key = shown_key(page)

        done = client.post(PAGE, {"code": app_code(key)})

        assert b'src="data:image/svg+xml' in page.content
        assert TOTPDevice.objects.get(user=ann, confirmed=True).key == key
        assert len(done.context["codes"]) == 10
        assert lines() == ["Two-step sign-in switched on"]

    def test_refuses_a_wrong_code_and_keeps_the_key(self, client, ann):
        key = shown_key(client.get(PAGE))

        answers = [client.post(PAGE, {"code": code}) for code in ("", "123", "abcdef", "１２３４５６", "0" * 99)]

        assert all(faults(answer) for answer in answers)
        assert {shown_key(answer) for answer in answers} == {key}
        assert not TOTPDevice.objects.exists()

    def test_writes_nothing_by_looking(self, client, ann):
        client.get(PAGE)

        assert (TOTPDevice.objects.count(), LogEntry.objects.count()) == (0, 0)

    def test_takes_no_key_from_the_form(self, client, ann):
        foreign = second_step.new_key()

        client.post(PAGE, {"code": app_code(foreign), "key": foreign})

        assert not TOTPDevice.objects.exists()

    def test_ends_the_other_sessions_and_keeps_this_one(self, client, ann):
        elsewhere = type(client)()
        give_password(elsewhere, ann)
        assert is_in(elsewhere)

        client.post(PAGE, {"code": app_code(shown_key(client.get(PAGE)))})

        assert (is_in(client), is_in(elsewhere)) == (True, False)

    def test_happens_once(self, client, ann):
        key = shown_key(client.get(PAGE))
        client.post(PAGE, {"code": app_code(key)})

        again = client.post(PAGE, {"code": app_code(key, steps=1)})

        assert (again.status_code, TOTPDevice.objects.count()) == (200, 1)
        with pytest.raises(second_step.SwitchedOnAlready):
            second_step.switch_on(ann.pk, key, app_code(key, steps=1))

    def test_offers_the_codes_as_a_file(self, client, ann):
        page = client.post(PAGE, {"code": app_code(shown_key(client.get(PAGE)))})

        link = page.context["file"]
        assert link.startswith("data:text/plain;charset=utf-8,")
        assert all(code in link for code in page.context["codes"])


class TestSigningIn:
    def test_asks_for_the_code_after_the_password(self, client):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)

        first = give_password(client, ann, next="/admin/mailings/client/")
        between = is_in(client)
        second = give_code(client, app_code(key, steps=1))

        assert (first.status_code, first["Location"], between) == (302, CODE, False)
        assert (second["Location"], is_in(client)) == ("/admin/mailings/client/", True)
        assert waiting.KEY not in client.session

    def test_takes_a_code_with_the_space_that_apps_show(self, client):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)
        give_password(client, ann)
        code = app_code(key, steps=1)

        give_code(client, f" {code[:3]} {code[3:]} ")

        assert is_in(client)

    def test_takes_no_code_twice(self, client):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)
        code = app_code(key, steps=1)
        give_password(client, ann)
        give_code(client, code)
        thief = type(client)()

        give_password(thief, ann)
        answer = give_code(thief, code)

        assert (faults(answer), is_in(thief)) == (
            ["This code is wrong or was used before. Wait for the app to show the next one."],
            False,
        )

    def test_rotates_the_session_key_twice(self, client):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)
        keys = [client.session.session_key]

        give_password(client, ann)
        keys.append(client.session.session_key)
        give_code(client, app_code(key, steps=1))
        keys.append(client.session.session_key)

        assert len(set(keys)) == 3

    def test_is_nothing_without_the_password(self, client):
        key, _codes = with_second_step(make_user("ann@staff.example"))

        answers = [client.get(CODE), give_code(client, app_code(key, steps=1))]

        assert [answer["Location"] for answer in answers] == [LOGIN, LOGIN]

    def test_waits_five_minutes_for_the_code(self, client):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)
        with time_machine.travel(timezone.now(), tick=False) as clock:
            give_password(client, ann)
            clock.shift(timedelta(seconds=waiting.SECONDS + 1))

            answer = give_code(client, app_code(key))

        assert (answer["Location"], is_in(client)) == (LOGIN, False)

    def test_is_over_when_the_user_is_blocked_meanwhile(self, client):
        ann, manager = make_user("ann@staff.example"), make_manager()
        key, _codes = with_second_step(ann)
        give_password(client, ann)
        blocking.block(ann.pk, manager, "left")

        blocked = give_code(client, app_code(key, steps=1))
        blocking.unblock(ann.pk, manager)
        unblocked = give_code(client, app_code(key, steps=1))

        assert (blocked["Location"], unblocked["Location"], is_in(client)) == (LOGIN, LOGIN, False)

    def test_is_over_when_the_password_changes_meanwhile(self, client):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)
        give_password(client, ann)
        ann.set_password("another-long-phrase-8")
        ann.save()

        assert give_code(client, app_code(key, steps=1))["Location"] == LOGIN

    def test_slows_down_guessing_from_everywhere(self, client):
        ann = make_user("ann@staff.example")
        key, _codes = with_second_step(ann)
        give_password(client, ann)
        client.post(CODE, {"code": "000000"}, REMOTE_ADDR="203.0.113.7")

        answer = client.post(CODE, {"code": app_code(key, steps=1)}, REMOTE_ADDR="198.51.100.4")

        assert faults(answer) == ["After a wrong code one has to wait: 1 second more."]
        assert not is_in(client)

    def test_asks_nobody_who_has_none(self, client):
        ann = make_user("ann@staff.example")

        assert give_password(client, ann)["Location"] == "/admin/"

    @pytest.mark.parametrize("code", ["", "x" * 41, "\x00", "😀", "-" * 30, "１２３４５６"])
    def test_survives_any_code(self, client, code):
        ann = make_user("ann@staff.example")
        with_second_step(ann)
        give_password(client, ann)

        answer = give_code(client, code)

        assert (answer.status_code, bool(faults(answer))) == (200, True)


class TestARecoveryCode:
    def test_opens_the_door_once(self, client):
        ann = make_user("ann@staff.example")
        _key, codes = with_second_step(ann)
        give_password(client, ann)
        give_code(client, codes[0].upper().replace("-", " "))
        first = is_in(client)
        client.logout()

        give_password(client, ann)
        give_code(client, codes[0])

        assert (first, is_in(client)) == (True, False)
        assert second_step.recovery_codes_left(ann) == 9

    def test_is_told_about_with_what_is_left(self, client):
        ann = make_user("ann@staff.example")
        _key, codes = with_second_step(ann)
        give_password(client, ann)

        page = client.post(CODE, {"code": codes[3]}, follow=True)

        assert [str(message) for message in page.context["messages"]] == [
            "You used a recovery code; 9 are left. Your profile has new ones."
        ]

    def test_is_asked_for_without_a_keyboard_of_digits(self, client):
        ann = make_user("ann@staff.example")
        with_second_step(ann)
        give_password(client, ann)

        pages = [client.get(address).content.decode() for address in (CODE, f"{CODE}?recovery")]

        assert ['inputmode="numeric"' in page for page in pages] == [True, False]

    def test_is_kept_as_a_digest_only(self):
        ann = make_user("ann@staff.example")
        _key, codes = with_second_step(ann)

        kept = " ".join(StaticToken.objects.values_list("token", flat=True))

        assert not [code for code in codes if code in kept or code.replace("-", "") in kept]

    def test_of_somebody_else_opens_nothing(self, client):
        ann, bob = make_user("ann@staff.example"), make_user("bob@staff.example")
        with_second_step(ann)
        _key, codes = with_second_step(bob)
        give_password(client, ann)

        give_code(client, codes[0])

        assert (is_in(client), second_step.recovery_codes_left(bob)) == (False, 10)

    def test_is_replaced_by_new_ones_for_the_password(self, client):
        ann = make_user("ann@staff.example")
        _key, old = with_second_step(ann)
        client.force_login(ann, backend=BACKEND)

        wrong = client.post(PAGE, {"password": "wrong-pass-phrase-1", "renew": "1"})
        page = client.post(PAGE, {"password": PASSWORD, "renew": "1"})

        assert faults(wrong) == ["The password is wrong."]
        assert set(page.context["codes"]) & set(old) == set()
        with pytest.raises(second_step.WrongCode):
            second_step.check(ann, old[0])
        second_step.forget_failures(ann)
        assert second_step.check(ann, page.context["codes"][9])
        assert lines() == ["New recovery codes made"]


class TestSwitchingOff:
    def test_wants_the_password(self, client):
        ann = make_user("ann@staff.example")
        with_second_step(ann)
        client.force_login(ann, backend=BACKEND)
        answers = []

        for password in ("", "wrong-pass-phrase-1", PASSWORD):
            client.post(PAGE, {"password": password, "off": "1"})
            answers.append(second_step.is_on(ann))

        assert answers == [True, True, False]
        assert (StaticToken.objects.count(), lines()) == (0, ["Two-step sign-in switched off"])

    def test_locks_out_whoever_guesses_the_password(self, client):
        ann = make_user("ann@staff.example")
        with_second_step(ann)
        client.force_login(ann, backend=BACKEND)

        answers = [client.post(PAGE, {"password": f"wrong-{n}", "off": "1"}) for n in range(5)]
        right = client.post(PAGE, {"password": PASSWORD, "off": "1"})

        assert [answer.status_code for answer in (*answers, right)] == [200, 200, 200, 200, 429, 429]
        assert "Too many wrong tries" in faults(right)[0]
        assert second_step.is_on(ann)

    def test_lets_one_sign_in_with_the_password_alone(self, client):
        ann = make_user("ann@staff.example")
        with_second_step(ann)
        client.force_login(ann, backend=BACKEND)
        client.post(PAGE, {"password": PASSWORD, "off": "1"})
        client.logout()

        assert give_password(client, ann)["Location"] == "/admin/"


class TestResetting:
    def test_by_the_command_ends_the_sessions_and_is_written_down(self, client):
        ann = make_user("ann@staff.example")
        with_second_step(ann)
        client.force_login(ann, backend=BACKEND)
        out = StringIO()

        call_command("reset_2fa", "Ann@staff.example", stdout=out)

        assert (second_step.is_on(ann), is_in(client)) == (False, False)
        assert "Two-step sign-in of ann@staff.example is off" in out.getvalue()
        assert lines() == ["Two-step sign-in reset, sessions ended"]

    def test_by_the_command_needs_a_user(self):
        with pytest.raises(CommandError, match="no user nobody@staff"):
            call_command("reset_2fa", "nobody@staff.example")

    def test_by_a_superuser_asks_first(self, client):
        ann, boss = make_user("ann@staff.example"), make_superuser()
        with_second_step(ann)
        client.force_login(boss, backend=BACKEND)
        chosen = {"action": "reset_second_step", "_selected_action": [ann.pk]}
        address = reverse("admin:accounts_user_changelist")

        page = client.post(address, chosen)
        before = second_step.is_on(ann)
        client.post(address, chosen | {"confirm": "1", "index": "0"})

        assert (b"ann@staff.example" in page.content, before, second_step.is_on(ann)) == (True, True, False)
        assert [(line.user, journal.in_words(line)) for line in LogEntry.objects.all()] == [
            (boss, "Two-step sign-in reset, sessions ended")
        ]

    @pytest.mark.parametrize("make_person", [make_user, make_manager])
    def test_is_not_for_others(self, client, make_person):
        ann = make_user("ann@staff.example")
        with_second_step(ann)
        client.force_login(make_person(), backend=BACKEND)

        client.post(
            reverse("admin:accounts_user_changelist"),
            {"action": "reset_second_step", "_selected_action": [ann.pk], "confirm": "1", "index": "0"},
        )

        assert second_step.is_on(ann)


class TestTheKey:
    def test_names_the_site_and_the_login_to_the_app(self):
        address = second_step.app_address(make_user("ann@staff.example"), "31" * 20)

        assert address.startswith(
            "otpauth://totp/Postroom%3Aann%40staff.example?secret=GEYTCMJRGEYTCMJRGEYTCMJRGEYTCMJR&"
        )
        assert address.endswith("&digits=6&period=30&issuer=Postroom")

    def test_stands_on_no_page_of_the_admin(self, client):
        """A superuser sees of a second step that it is on, and nothing that helps to pass it."""
        ann, boss = make_user("ann@staff.example"), make_superuser()
        key, codes = with_second_step(ann)
        client.force_login(boss, backend=BACKEND)
        addresses = [reverse("admin:accounts_user_change", args=[ann.pk]), reverse("admin:accounts_user_changelist")]
        addresses += [reverse("admin:accounts_user_history", args=[ann.pk]), "/admin/otp_totp/totpdevice/"]

        text = " ".join(client.get(address).content.decode() for address in addresses)

        assert "Two-step sign-in is on." in text
        assert not [secret for secret in (key, second_step.readable(key), *codes) if secret in text]

    def test_is_logged_nowhere(self, client, ann, caplog):
        caplog.set_level("DEBUG")
        key = shown_key(client.get(PAGE))

        page = client.post(PAGE, {"code": app_code(key)})

        assert not [secret for secret in (key, *page.context["codes"]) if secret in caplog.text]


@pytest.fixture
def required(settings):
    settings.REQUIRE_2FA = True


def everywhere():
    """List every address of the admin but those of the door itself."""
    stays_open = {LOGIN, CODE, PAGE, reverse("admin:logout")}
    public = {"/admin/password_reset/", "/admin/password_reset/done/"}
    found = {filled(route) for route, _name in crawl.every_route() if route.startswith("/admin/")}
    return sorted(found - stays_open - public)


@pytest.mark.usefixtures("required")
class TestRequire2fa:
    @pytest.mark.parametrize("make_person", [make_superuser, make_manager])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_stops_those_who_see_everything_at_every_address(self, client, make_person, method):
        client.force_login(make_person(), backend=BACKEND)
        addresses = everywhere()

        answers = {address: getattr(client, method)(address) for address in addresses}

        assert len(addresses) > 50
        assert {
            address: answer.status_code
            for address, answer in answers.items()
            if (answer.status_code, answer.get("Location")) != (302, PAGE)
        } == {}

    def test_lets_them_in_once_it_is_on(self, client):
        client.force_login(make_manager(), backend=BACKEND)
        page = client.get(PAGE)

        client.post(PAGE, {"code": app_code(shown_key(page))})

        assert (page.context["is_required"], client.get("/admin/").status_code) == (True, 200)

    def test_lets_them_log_out(self, client):
        client.force_login(make_manager(), backend=BACKEND)

        assert client.post(reverse("admin:logout")).status_code == 200

    def test_stops_them_again_when_they_switch_it_off(self, client):
        boss = make_superuser()
        key, _codes = with_second_step(boss)
        give_password(client, boss)
        give_code(client, app_code(key, steps=1))
        before = client.get("/admin/").status_code

        client.post(PAGE, {"password": PASSWORD, "off": "1"})

        assert (before, client.get("/admin/")["Location"]) == (200, PAGE)

    def test_asks_nothing_of_a_user(self, client):
        client.force_login(make_user(), backend=BACKEND)

        assert client.get("/admin/").status_code == 200

    def test_stops_whoever_becomes_a_manager_at_his_next_click(self, client):
        ann = make_user()
        client.force_login(ann, backend=BACKEND)
        before = client.get("/admin/").status_code

        User.objects.filter(pk=ann.pk).update(is_superuser=True)

        assert (before, client.get("/admin/").status_code) == (200, 302)
