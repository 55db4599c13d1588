"""Facts that stand in the way of what a person asked of an import."""

from django.utils.translation import gettext_lazy as _

from mailings.operations.refusal import NotPossible


class NotChoosable(NotPossible):
    sentence = _("Its columns can no longer be changed. Upload the file again.")


class AlreadyLoaded(NotPossible):
    sentence = _("This file has been loaded already.")


class NotChecked(NotPossible):
    sentence = _("This file has not been checked yet.")


class NothingToLoad(NotPossible):
    sentence = _("There is nothing to load.")


class RowsAreWrong(NotPossible):
    sentence = _("Some rows are wrong. Say that the others shall be loaded, or correct the file and upload it again.")


class NotLoading(NotPossible):
    sentence = _("It is not being loaded.")


class NotStopped(NotPossible):
    sentence = _("It was not stopped.")


class NothingToUndo(NotPossible):
    sentence = _("There is nothing to undo.")


class TooOldToUndo(NotPossible):
    sentence = _("It is too old to be undone.")


class AnotherIsRunning(NotPossible):
    sentence = _("Another import of yours is running. Wait until it is done.")
