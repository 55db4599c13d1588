"""Lines of the journal: kept as an act with its numbers, and put into words in the language of whoever reads them.

They are rows of the admin's own log. Clients' addresses are masked before they are written: the journal outlives them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.functional import Promise

Values = dict[str, Any]

ACTS: dict[str, Act] = {}
# What the message of such a line begins with: nothing that Django or a person writes there does.
MARK = '{"act": "'


@dataclass(frozen=True, slots=True)
class Act:
    """Something people do that has consequences.

    `title` is what a filter calls it, `sentence` what a line says (both lazy); `prepare` words values kept as keys.
    """

    name: str
    title: Promise
    sentence: Any
    prepare: Callable[[Values], Values] = dict

    def __post_init__(self) -> None:
        ACTS[self.name] = self

    def __call__(self, **values: Any) -> Line:
        return Line(self, values)


@dataclass(frozen=True, slots=True)
class Line:
    act: Act
    values: Values = field(default_factory=dict)

    def __str__(self) -> str:
        """Say it in the language that is active now."""
        return str(self.act.sentence % self.act.prepare(self.values)).strip()


def in_words(entry: LogEntry) -> str:
    """Say what a line of the log tells, in the language that is active now."""
    if not entry.change_message.startswith(MARK):
        return entry.get_change_message() or entry.get_action_flag_display()
    values = json.loads(entry.change_message)
    act = ACTS.get(values.pop("act"))
    # An act that a later version has dropped still has its numbers.
    return str(act(**values)) if act else ", ".join(f"{name}: {value}" for name, value in values.items())


def name_of(obj: Model) -> str:
    """Name an object for the journal: as it is called, or masked where its name is somebody's address."""
    return str(getattr(obj, "journal_name", obj))[:200]


def write(actor: Any, about: Model | type[Model], what: Line | str | list[Any], flag: int = CHANGE) -> None:
    """Write a line about an object, or about a whole model where it is about no single one."""
    entry_about(actor, about, what, flag).save()


def write_many(actor: Any, objects: Iterable[Model], what: Line | str | list[Any], flag: int = CHANGE) -> None:
    LogEntry.objects.bulk_create(entry_about(actor, obj, what, flag) for obj in objects)


def entry_about(actor: Any, about: Model | type[Model], what: Line | str | list[Any], flag: int) -> LogEntry:
    one = about if isinstance(about, Model) else None
    return LogEntry(
        user_id=actor.pk,
        content_type=ContentType.objects.get_for_model(about, for_concrete_model=False),
        object_id=str(one.pk) if one else None,
        object_repr=name_of(one) if one else "",
        action_flag=flag,
        change_message=as_message(what),
    )


def as_message(what: Line | str | list[Any]) -> str:
    if isinstance(what, Line):
        return json.dumps({"act": what.act.name, **what.values}, ensure_ascii=False)
    return what if isinstance(what, str) else json.dumps(what)
