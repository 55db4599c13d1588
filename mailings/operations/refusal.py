"""Facts that stand in the way of what a person asked for. Each carries the sentence that the page shows."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class NotPossible(Exception):
    """What was asked for cannot be done now; `str()` is the sentence for the person."""

    sentence: Promise = _("This is not possible now.")

    def __init__(self, sentence: Promise | str | None = None) -> None:
        super().__init__(sentence or self.sentence)

    def __str__(self) -> str:
        return str(self.args[0])


class AlreadyLaunched(NotPossible):
    sentence = _("It is running already.")


class IsSwitchedOff(NotPossible):
    sentence = _("It was switched off. Make a copy to send it again.")


class IsPaused(NotPossible):
    sentence = _("It is paused. Resume it instead.")


class IsNotRunning(NotPossible):
    sentence = _("It is not running.")


class IsNotPaused(NotPossible):
    sentence = _("It is not paused.")


class IsFinished(NotPossible):
    sentence = _("It is finished; there is nothing to switch off.")


class WindowEnded(NotPossible):
    sentence = _("Its window has ended. Choose a later end.")


class WindowNotOpen(NotPossible):
    sentence = _("Its window has not begun yet.")


class NoRecipients(NotPossible):
    sentence = _("It has no recipients. Choose a client list or clients who may be mailed.")


class OwnerIsBlocked(NotPossible):
    sentence = _("Its owner is blocked.")


class NothingToRetry(NotPossible):
    sentence = _("Nobody is left to send it to again.")


class NotShared(NotPossible):
    sentence = _("It uses a message, a list or clients that are no longer shared with its owner.")
