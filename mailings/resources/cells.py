"""Turns the text of one cell into the value of a client's field and back. A blank cell is None: it changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.db.models import Field
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _
from import_export.widgets import Widget

from mailings.models import Client
from mailings.models.address import normalise_address
from mailings.models.client import ATTRIBUTE_LIMIT, UNSTORABLE, validate_attributes

DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
EARLIEST = 1970


def flat(value: Any) -> Any:
    """Return a value so that two spellings of the same text compare equal: browsers send CRLF, workbooks keep LF."""
    if not isinstance(value, str) or (value.isprintable() and value[:1] != " " and value[-1:] != " "):
        return value
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


class CellWidget(Widget):  # type: ignore[misc]  # import-export ships no types
    """`read` is what the import calls, a million times; `clean` is the library's way to the same."""

    def clean(self, value: Any, row: Any = None, **_: Any) -> Any:
        """:raises ValidationError: with the sentence for the author of the file."""
        return self.read("" if value is None else str(value))

    def read(self, text: str) -> Any:
        """:raises ValidationError: with the sentence for the author of the file."""
        text = flat(text)
        if UNSTORABLE.search(text):
            raise ValidationError(_control())
        return self.parse(text) if text else None

    def parse(self, text: str) -> Any:
        return text

    def reader(self) -> Callable[[str], Any]:
        """Give what reads one file's cells: `read`, with whatever need not be asked again for each of them."""
        return self.read

    def render(self, value: Any, obj: Any = None, **_: Any) -> str:
        return "" if value is None else str(value)


class AddressWidget(CellWidget):
    def read(self, text: str) -> str:
        # A blank address is a fault too, and a line break inside one has its own sentence.
        return normalise_address(text)


class TextWidget(CellWidget):
    """A text, under the rules of the model's field of that name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.model_field: Field[Any, Any] = Client._meta.get_field(name)  # type: ignore[assignment]  # no relation
        self.limit = self.model_field.max_length or 0

    def read(self, text: str) -> str | None:
        # What is printable holds neither control characters nor line ends: nothing is left but to measure it.
        if text.isprintable() and len(text) <= self.limit:
            return text.strip() or None
        return super().read(text)  # type: ignore[no-any-return]  # parse returns a text

    def parse(self, text: str) -> Any:
        return self.model_field.clean(text, None)


class CommentWidget(TextWidget):
    def parse(self, text: str) -> str:
        # A TextField's limit is kept by forms only.
        return measured(text, self.limit)


class MomentWidget(CellWidget):
    """A moment, in the active time zone unless it states its own."""

    def parse(self, text: str) -> datetime:
        return parse_moment(text, timezone.get_current_timezone(), timezone.now() + timedelta(days=1))

    def reader(self) -> Callable[[str], datetime | None]:
        zone, latest = timezone.get_current_timezone(), timezone.now() + timedelta(days=1)

        @lru_cache(maxsize=5_000)  # a list has its clients by the hundred from one day
        def read(text: str) -> datetime | None:
            text = flat(text)
            return parse_moment(text, zone, latest) if text else None

        return read

    def render(self, value: Any, obj: Any = None, **_: Any) -> str:
        return timezone.localtime(value).isoformat(" ") if value else ""


def parse_moment(text: str, zone: tzinfo, latest: datetime) -> datetime:
    """:raises ValidationError: it is no date, or none on which somebody can have agreed to anything."""
    text = re.sub(r"-(\d)(?!\d)", r"-0\1", DAY_FIRST.sub(r"\3-\2-\1", text))
    try:
        day = parse_date(text)
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001  made aware below
    except ValueError:
        moment = None
    if moment is None or moment.year < EARLIEST:
        raise ValidationError(_("Write the date as 2026-11-23 or 23.11.2026, with a time if you like: 14:30."))
    moment = timezone.make_aware(moment, zone) if timezone.is_naive(moment) else moment
    if moment > latest:
        raise ValidationError(_("This date lies in the future."))
    return moment


class AttributeWidget(CellWidget):
    """One attribute, in a column of its own."""

    def parse(self, text: str) -> str:
        return measured(text, ATTRIBUTE_LIMIT)


class AttributesWidget(CellWidget):
    """All attributes, as JSON in one cell: how they are exported."""

    def parse(self, text: str) -> dict[str, Any]:
        try:
            value = json.loads(text, parse_constant=refuse, parse_float=finite)
        except (ValueError, RecursionError) as error:
            raise ValidationError(_('Write attributes as {"city": "Kazan"}.')) from error
        if isinstance(value, dict) and any(UNSTORABLE.search(f"{name}{text}") for name, text in value.items()):
            raise ValidationError(_control())
        validate_attributes(value)
        attributes: dict[str, Any] = value
        return attributes

    def render(self, value: Any, obj: Any = None, **_: Any) -> str:
        return json.dumps(value, ensure_ascii=False) if value else ""


def measured(text: str, limit: int) -> str:
    if len(text) > limit:
        params = {"limit": limit, "length": len(text)}
        raise ValidationError(_("At most %(limit)s characters, now %(length)s."), params=params)
    return text


def refuse(name: str) -> NoReturn:
    raise ValueError(name)


def finite(text: str) -> float:
    """:raises ValueError: JSON has no infinity, and PostgreSQL would refuse it."""
    number = float(text)
    if abs(number) == float("inf"):
        refuse(text)
    return number


def _control() -> Any:
    return _("This contains a control character. Remove it.")
