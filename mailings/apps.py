"""The mailings app: connects what it has to do when an account is blocked."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailingsConfig(AppConfig):
    name = "mailings"
    verbose_name = _("Mailings")

    def ready(self) -> None:
        from accounts.signals import user_blocked
        from mailings import checks  # noqa: F401  registers the system checks
        from mailings.operations.control import pause_mailings_of

        user_blocked.connect(pause_mailings_of, dispatch_uid="mailings.pause_mailings_of")
