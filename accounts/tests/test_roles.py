import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from accounts.roles import MANAGER, USER, manager_codenames, user_codenames

pytestmark = pytest.mark.django_db


def codenames(role):
    return set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))


class TestRoles:
    def test_hold_exactly_what_the_table_says(self):
        known = set(Permission.objects.values_list("codename", flat=True))

        assert codenames(USER) == user_codenames() & known
        assert codenames(MANAGER) == manager_codenames() & known

    def test_name_only_permissions_that_exist(self):
        known = set(Permission.objects.values_list("codename", flat=True))

        assert user_codenames() - known == set()
        assert manager_codenames() - known == set()

    def test_come_back_after_somebody_changed_them(self):
        group = Group.objects.get(name=MANAGER)
        group.permissions.add(Permission.objects.get(codename="change_client"))

        call_command("migrate", verbosity=0)

        assert "change_client" not in codenames(MANAGER)

    def test_give_a_manager_no_right_to_write(self):
        writing = ("add_", "change_", "delete_")

        assert not [name for name in manager_codenames() if name.startswith(writing)]
