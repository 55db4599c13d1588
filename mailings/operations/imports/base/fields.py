"""What both databases need to know of a client's fields."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from mailings.models import Client


def defaults(known: Container[str]) -> dict[str, Any]:
    """Name the value that each further column of a new client has by the model, whichever columns there are."""
    fields = [field for field in Client._meta.concrete_fields if not field.primary_key and field.column != "owner_id"]
    return {
        field.attname: field.get_db_prep_save(field.get_default(), connection)
        for field in fields
        if field.attname not in known
    }


def recorded_changes(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Write down what each field was and what it becomes, as JSON can hold it."""
    return {name: [as_json(old[name]), as_json(value)] for name, value in changes.items()}


def as_json(value: Any) -> Any:
    # In one zone, so that the same moment is always the same text.
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
