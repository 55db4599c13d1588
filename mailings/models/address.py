"""The e-mail address as the tables keep it: normalised, and refused with a sentence that names the remedy."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from mailings.sending.address import AddressFault, BadAddress, normalise

SENTENCES = {
    AddressFault.EMPTY: _("The address is empty."),
    AddressFault.NO_AT: _("There must be exactly one @ in the address, as in name@example.com."),
    AddressFault.SEVERAL: _("One address only: put each client on a line of his own."),
    AddressFault.CONTROL: _("The address contains a space, a line break or a control character."),
    AddressFault.LOCAL_NOT_ASCII: _("Letters outside the Latin alphabet before the @ cannot be delivered."),
    AddressFault.LOCAL_TOO_LONG: _("The part before the @ is longer than 64 characters."),
    AddressFault.TOO_LONG: _("The address is longer than 254 characters."),
    AddressFault.BAD_LOCAL: _("The part before the @ is not valid."),
    AddressFault.BAD_DOMAIN: _("The part after the @ is not a valid domain name, such as example.com."),
}


def normalise_address(raw: str) -> str:
    """Normalise an address.

    :raises ValidationError: it cannot be mailed; the sentence says why.
    """
    try:
        return normalise(raw)
    except BadAddress as error:
        raise ValidationError(SENTENCES[error.code], code=error.code) from error


class AddressField(models.CharField):  # type: ignore[type-arg]  # generic in the stubs only
    """A mailbox address in its normal form: lower case, domain in ASCII, at most 254 characters (RFC 5321 4.5.3.1)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 254)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        return normalise_address(value) if isinstance(value, str) and value else value

    def get_prep_value(self, value: Any) -> Any:
        """Look up and store what is an address in its normal form; what is none is found nowhere, without an error."""
        try:
            return super().get_prep_value(value)
        except ValidationError:
            return value
