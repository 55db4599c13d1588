"""The accounts app: keeps the role groups after each migration, and watches the door."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_save
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from axes.models import AccessAttempt
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_logged_in

        from accounts import checks, lockout, session  # noqa: F401  registers the system checks
        from accounts.roles import keep_roles

        post_migrate.connect(keep_roles, dispatch_uid="accounts.keep_roles")
        pre_save.connect(lockout.keep_no_form, sender=AccessAttempt, dispatch_uid="accounts.keep_no_form")
        user_logged_in.connect(session.end_in_time, dispatch_uid="accounts.end_in_time")
        user_locked_out.connect(lockout.write_down, dispatch_uid="accounts.write_down")
