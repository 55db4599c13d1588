"""Texts of Django and jazzmin that our Russian catalogue words anew; nothing imports this file.

Only what stands in our own code stays in the catalogue at `make messages`, so these texts stand here. Django builds its
sentences from a model's name in the nominative and the gender of “объект”, which is wrong for most of our names.
"""

from django.utils.translation import gettext_noop as _

TEXTS = (
    # The roles, and the names of pages and of the journal.
    _("User"),
    _("Manager"),
    _("group"),
    _("groups"),
    _("content type"),
    _("action time"),
    _("Select %s to change"),
    _("Select %s to view"),
    _("Add %s"),
    _("Change %s"),
    _("View %s"),
    _("Cannot delete %(name)s"),
    _("Delete multiple objects"),
    # Actions; the first loses the model's name, which would stand in the nominative: xgettext:no-python-format
    _("Delete selected %(verbose_name_plural)s"),
    _("Successfully deleted %(count)d %(items)s."),
    _("Items must be selected in order to perform actions on them. No items have been changed."),
    _("0 of %(cnt)s selected"),
    # What Django says after a form was saved, and writes into the journal.
    _("The {name} “{obj}” was added successfully."),
    _("The {name} “{obj}” was added successfully. You may add another {name} below."),
    _("The {name} “{obj}” was changed successfully."),
    _("The {name} “{obj}” was changed successfully. You may edit it again below."),
    _("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    _("You may edit it again below."),
    _("The %(name)s “%(obj)s” was deleted successfully."),
    _("%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?"),
    _("Added “%(object)s”."),
    _("Changed “%(object)s” — %(changes)s"),
    _("Deleted “%(object)s.”"),
    _("Added {name} “{object}”."),
    _("Changed {fields} for {name} “{object}”."),
    _("Changed {fields}."),
    _("Deleted {name} “{object}”."),
    # Forms of users.
    _("First, enter a username and password. Then, you'll be able to edit more user options."),
    _("The groups this user belongs to. A user will get all permissions granted to each of their groups."),
    _("Raw passwords are not stored, so there is no way to see the user’s password."),
    _("Hold down “Control”, or “Command” on a Mac, to select more than one."),
)
