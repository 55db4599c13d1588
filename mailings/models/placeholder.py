"""Which placeholders a message may use: fixed fields, and the attributes that the owner's clients have."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from mailings.models.client import Client
from mailings.sending import markup
from mailings.sending.render import BrokenPlaceholder, UnknownPlaceholder, compile_template

UNSUBSCRIBE_URL = "unsubscribe_url"
# Every accepted spelling, in both languages, and the key it stands for.
FIELDS = {
    "full_name": "full_name",
    "name": "full_name",
    "имя": "full_name",
    "фио": "full_name",
    "email": "email",
    "e-mail": "email",
    "почта": "email",
    "unsubscribe_url": UNSUBSCRIBE_URL,
    "отписка": UNSUBSCRIBE_URL,
}
URL_FIELDS = frozenset({UNSUBSCRIBE_URL})
# The spelling that is shown to people, in the language of the page (each is one of those above).
NAMES = {
    "full_name": pgettext_lazy("placeholder", "full_name"),
    "email": pgettext_lazy("placeholder", "email"),
    UNSUBSCRIBE_URL: pgettext_lazy("placeholder", "unsubscribe_url"),
}


def name_of(key: str) -> str:
    """Name a field the way people write it."""
    return str(NAMES.get(key, key))


def written(key: str, instead: str = "") -> str:
    """Write a placeholder, with what stands there for a client who has no value."""
    return f"{{{{ {name_of(key)} | {instead} }}}}" if instead else f"{{{{ {name_of(key)} }}}}"


def unknown_in(text: str, fields: dict[str, str]) -> str:
    """Name the first placeholder of a text that is not among these fields, or nothing."""
    try:
        compile_template(text, fields)
    except UnknownPlaceholder as error:
        return error.name.casefold()
    except BrokenPlaceholder:
        pass
    return ""


def fields_of(*texts: str) -> dict[str, str]:
    """List the fixed fields and whatever else these texts ask for; a client without such an attribute has it blank."""
    fields = dict(FIELDS)
    for text in texts:
        while name := unknown_in(text, fields):
            fields[name] = name
    return fields


def known_fields(owner_id: int | None, text: str) -> dict[str, str]:
    """List the fields that a text may use: the fixed ones, and those it asks for that a client of the owner has as an
    attribute (asked name by name, for a base may hold a million clients).
    """
    own = Client.objects.filter(owner_id=owner_id).order_by()
    asked = fields_of(text).keys() - FIELDS.keys()
    return FIELDS | {name: name for name in asked if own.filter(attributes__has_any_keys=spellings(name)).exists()}


def spellings(name: str) -> list[str]:
    """List how an attribute's name is written in a client's data: case does not matter in a placeholder."""
    return [name, name.capitalize(), name.upper(), name.title()]


def check_text(text: str, fields: dict[str, str]) -> None:
    """:raises ValidationError: a placeholder is unknown or broken; the sentence names its line."""
    try:
        compile_template(text, fields)
    except UnknownPlaceholder as error:
        message = _("Line %(line)s: there is no field “%(name)s”.")
        if error.suggestion:
            message = _("Line %(line)s: there is no field “%(name)s”. Did you mean “%(suggestion)s”?")
        params = {"line": error.line, "name": error.name, "suggestion": error.suggestion}
        raise ValidationError(message, params=params) from error
    except BrokenPlaceholder as error:
        message = _("Line %(line)s: a placeholder is broken. Write it like {{ full_name }}.")
        raise ValidationError(message, params={"line": error.line}) from error


def check_html(text: str, fields: dict[str, str]) -> None:
    """:raises ValidationError: as `check_text`, or a placeholder stands inside a tag, where it could break out."""
    check_text(text, fields)
    try:
        markup.check_html(text, fields, URL_FIELDS)
    except markup.MisplacedPlaceholder as error:
        message = _("Line %(line)s: only {{ unsubscribe_url }} may stand inside an HTML tag.")
        raise ValidationError(message, params={"line": error.line}) from error
