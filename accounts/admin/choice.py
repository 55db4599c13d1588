"""Choices of related rows that survive forged ids: a sentence at the field where Django's own would be a 500."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import BigAutoField, Field
from django.http import HttpRequest

from accounts.access import Owned

_PK = BigAutoField()


def is_id(value: Any) -> bool:
    """Tell whether a value could be a row's id in both databases."""
    try:
        _PK.run_validators(_PK.to_python(value))
    except ValidationError:
        return False
    return True


def named(obj: Any, reader_id: int) -> str:
    """Name a choice, with its owner where that is somebody else."""
    is_anothers = isinstance(obj, Owned) and obj.owner_id not in {None, reader_id}
    return f"{obj} · {obj.owner}" if is_anothers else str(obj)


class OneChoice(forms.ModelChoiceField):
    def to_python(self, value: Any) -> Any:
        if value not in self.empty_values and not hasattr(value, "pk") and not is_id(value):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params={"value": value})
        return super().to_python(value)


class ManyChoices(forms.ModelMultipleChoiceField):
    def clean(self, value: Any) -> Any:
        wrong = [each for each in value or () if not hasattr(each, "pk") and not is_id(each)]
        if wrong:
            raise ValidationError(
                self.error_messages["invalid_pk_value"], code="invalid_pk_value", params={"pk": wrong[0]}
            )
        return super().clean(value)


def row_owner_id(request: HttpRequest) -> int:
    """Tell for whose row choices are asked: one's own, unless the form says whose it is."""
    value = request.GET.get("owner", "")
    return int(value) if is_id(value) and value else int(request.user.pk or 0)


class OfOwner:
    """Asks for the choices of a row that belongs to somebody else: his, as far as the one who asks may see them."""

    owner_id: int | None = None

    def get_url(self) -> str:
        url: str = super().get_url()  # type: ignore[misc]  # a mixin of Django's two widgets
        return f"{url}?owner={self.owner_id}" if self.owner_id else url


class OneAutocomplete(OfOwner, AutocompleteSelect):
    def optgroups(self, name: str, value: Sequence[str], attrs: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if not each or is_id(each)], attrs)


class ManyAutocomplete(OfOwner, AutocompleteSelectMultiple):
    def optgroups(self, name: str, value: Sequence[str], attrs: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if not each or is_id(each)], attrs)


class ChoicesView(AutocompleteJsonView):
    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return super().serialize_result(obj, to_field_name) | {"text": named(obj, row_owner_id(self.request))}

    def process_request(self, request: HttpRequest) -> Any:
        """:raises PermissionDenied: the relation is one that no form has (Django would run into an error)."""
        found = super().process_request(request)
        if not isinstance(found[2], Field):
            raise PermissionDenied
        return found
