"""The accounts app: keeps the role groups after each migration."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from accounts.roles import keep_roles

        post_migrate.connect(keep_roles, dispatch_uid="accounts.keep_roles")
