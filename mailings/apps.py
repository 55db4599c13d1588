"""The mailings app: connects what it has to do when an account is blocked, and when somebody comes."""

from django.apps import AppConfig
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class MailingsConfig(AppConfig):
    name = "mailings"
    verbose_name = _("Mailings")

    def ready(self) -> None:
        from accounts.models import User
        from accounts.signals import block_foreseen, user_blocked
        from mailings import checks  # noqa: F401  registers the system checks
        from mailings.operations.block import on_block, on_foresight
        from mailings.operations.uphold import settle_saved

        user_blocked.connect(on_block, dispatch_uid="mailings.on_block")
        block_foreseen.connect(on_foresight, dispatch_uid="mailings.on_foresight")
        post_save.connect(settle_saved, sender=User, dispatch_uid="mailings.settle_saved")
