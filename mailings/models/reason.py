"""Why a delivery ended as it did, in words for people. Codes of the mail server's answers are the engine's own."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    NONE = "", _("—")
    # From the mail server: the values are those of mailings.sending.reply.Reason (a test holds the two together).
    ACCEPTED = "accepted", _("accepted by the mail server")
    # Ours
    UNSUBSCRIBED = "unsubscribed", _("the client has unsubscribed")
    SUPPRESSED = "suppressed", _("the address is on the suppression list")
    CLIENT_DELETED = "client_deleted", _("the client was deleted")
    SWITCHED_OFF = "switched_off", _("the mailing was switched off")
    WINDOW_ENDED = "window_ended", _("the window ended before it could be sent")
    EXHAUSTED = "exhausted", _("refused for the time being until the tries ran out")
    WORKER_LOST = "worker_lost", _("the worker stopped while the letter was on its way")
