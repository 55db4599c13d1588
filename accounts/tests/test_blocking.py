import pytest
from django.urls import reverse

from accounts import blocking
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_manager, make_superuser, make_user
from mailings.models import Mailing
from mailings.tests.factories import make_mailing

pytestmark = pytest.mark.django_db
HOME = "/admin/"


def logged_in(client, user):
    client.post(reverse("admin:login"), {"username": user.email, "password": PASSWORD})
    return client.get(HOME).status_code == 200


class TestBlock:
    def test_ends_the_session_and_unblocking_does_not_revive_it(self, client):
        user, manager = make_user(), make_manager()
        assert logged_in(client, user)

        blocking.block(user.pk, manager, "left the company")
        blocked = client.get(HOME).status_code
        blocking.unblock(user.pk, manager)

        assert (blocked, client.get(HOME).status_code) == (302, 302)

    def test_records_who_when_and_why(self):
        user, manager = make_user(), make_manager()

        blocking.block(user.pk, manager, "left the company")

        user.refresh_from_db()
        assert (user.is_active, user.blocked_by, user.blocked_reason) == (False, manager, "left the company")
        assert user.blocked_at is not None

    @pytest.mark.parametrize("status", [Mailing.Status.RUNNING, Mailing.Status.SCHEDULED])
    def test_pauses_the_users_mailings(self, status):
        user = make_user()
        mailing = make_mailing(user, status=status)
        other = make_mailing(make_user(), status=status)

        blocking.block(user.pk, make_manager(), "left")

        mailing.refresh_from_db()
        other.refresh_from_db()
        assert (mailing.status, mailing.pause_reason) == (Mailing.Status.PAUSED, Mailing.PauseReason.OWNER_BLOCKED)
        assert other.status == status

    @pytest.mark.parametrize(
        ("make_victim", "make_actor"),
        [(make_superuser, make_manager), (make_manager, make_manager), (make_superuser, make_superuser)],
    )
    def test_is_refused_for_those_above(self, make_victim, make_actor):
        victim = make_victim()

        with pytest.raises(blocking.CannotBlock):
            blocking.block(victim.pk, make_actor(), "why not")

        victim.refresh_from_db()
        assert victim.is_active

    def test_is_refused_for_oneself(self):
        manager = make_manager()

        with pytest.raises(blocking.CannotBlock):
            blocking.block(manager.pk, manager, "tired")


class TestTheAction:
    def post(self, client, victim, **more):
        data = {"action": "block", "_selected_action": victim.pk, "confirm": "1", "reason": "left", **more}
        return client.post(reverse("admin:accounts_user_changelist"), data)

    def test_blocks_for_a_manager(self, client):
        victim = make_user()
        client.force_login(make_manager(), backend="django.contrib.auth.backends.ModelBackend")

        self.post(client, victim)

        victim.refresh_from_db()
        assert not victim.is_active

    def test_asks_for_a_reason_first(self, client):
        victim = make_user()
        client.force_login(make_manager(), backend="django.contrib.auth.backends.ModelBackend")

        response = self.post(client, victim, reason="")

        victim.refresh_from_db()
        assert victim.is_active
        assert b"required" in response.content

    def test_does_nothing_for_a_user_without_the_permission(self, client):
        victim = make_user()
        client.force_login(make_user(), backend="django.contrib.auth.backends.ModelBackend")

        self.post(client, victim)

        victim.refresh_from_db()
        assert victim.is_active


class TestTheUserPage:
    def test_lets_a_manager_change_nothing(self, client):
        victim, manager = make_user(), make_manager()
        client.force_login(manager, backend="django.contrib.auth.backends.ModelBackend")

        for target in (victim, manager):
            client.post(
                reverse("admin:accounts_user_change", args=[target.pk]), {"is_superuser": "on", "email": "x@y.example"}
            )

        assert not User.objects.filter(is_superuser=True).exists()
        assert not User.objects.filter(email="x@y.example").exists()

    def test_shows_a_manager_no_password_hash(self, client):
        victim = make_user()
        client.force_login(make_manager(), backend="django.contrib.auth.backends.ModelBackend")

        page = client.get(reverse("admin:accounts_user_change", args=[victim.pk])).content.decode()

        assert victim.email in page
        assert not {"salt", "algorithm", "hash"} & set(page.lower().split())

    def test_keeps_the_last_superuser(self, client):
        boss = make_superuser()
        client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")

        response = client.post(
            reverse("admin:accounts_user_change", args=[boss.pk]),
            {"email": boss.email, "full_name": "", "time_zone": "Europe/Moscow", "language": "en"},
        )

        boss.refresh_from_db()
        assert boss.is_superuser
        assert b"last superuser" in response.content
