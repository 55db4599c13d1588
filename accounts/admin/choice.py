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

_PK = BigAutoField()


def is_id(value: Any) -> bool:
    """Tell whether a value could be a row's id in both databases."""
    try:
        _PK.run_validators(_PK.to_python(value))
    except ValidationError:
        return False
    return True


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


class OneAutocomplete(AutocompleteSelect):
    def optgroups(self, name: str, value: Sequence[str], attrs: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if not each or is_id(each)], attrs)


class ManyAutocomplete(AutocompleteSelectMultiple):
    def optgroups(self, name: str, value: Sequence[str], attrs: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if not each or is_id(each)], attrs)


class ChoicesView(AutocompleteJsonView):
    def process_request(self, request: HttpRequest) -> Any:
        """:raises PermissionDenied: the relation is one that no form has (Django would run into an error)."""
        found = super().process_request(request)
        if not isinstance(found[2], Field):
            raise PermissionDenied
        return found
