import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def named(settings):
    settings.SUPERUSER_EMAIL, settings.SUPERUSER_PASSWORD = "Boss@Example.com", "correct-horse-battery"
    return settings


class TestCsu:
    def test_creates_the_superuser_once(self, named):
        call_command("csu")
        call_command("csu")

        user = User.objects.get()
        assert (user.email, user.is_superuser, user.check_password("correct-horse-battery")) == (
            "boss@example.com",
            True,
            True,
        )

    def test_raises_an_existing_user(self, named):
        make_user("boss@example.com")

        call_command("csu")

        assert User.objects.get().is_superuser

    @pytest.mark.parametrize("password", ["", "short", "password1234", "123456789012"])
    def test_refuses_a_weak_password(self, named, password):
        named.SUPERUSER_PASSWORD = password

        with pytest.raises(CommandError):
            call_command("csu")

        assert not User.objects.exists()

    def test_takes_a_weak_password_while_debugging(self, named):
        named.SUPERUSER_PASSWORD, named.DEBUG = "weak", True

        call_command("csu")

        assert User.objects.get().is_superuser
