"""Lines of the log, as text or JSON, without what does not belong there: addresses, links that open something, rows.

The formatters mask whatever is logged, by whomever: Django, huey, gunicorn and the database write lines too.
"""

from __future__ import annotations

import json
import logging
import re
from types import FrameType
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

MASK = "***"
# In an order that counts: a query may hold an address, and an address may stand in what the database says.
MASKS = (
    # PostgreSQL repeats the row that it refuses, over as many lines as it has.
    (re.compile(r"DETAIL: .*?(?=\nTraceback |\n\nThe above |\n\nDuring |\Z)", re.DOTALL), f"DETAIL: {MASK}"),
    # Unsubscribe and password links: whoever reads one can use it.
    (re.compile(r"/(u|reset|invitation)/[^\s\"'<>?]+"), rf"/\1/{MASK}"),
    # What was searched for.
    (re.compile(r"(/[^\s\"'<>?]*)\?[^\s\"'<>]+"), rf"\1?{MASK}"),
    # The bound keeps the search linear; a local part has at most 64 characters (RFC 5321 4.5.3.1.1).
    (re.compile(r"[^\s\"'<>()\[\]{},;:=/@]{1,64}(?:@|%40)[^\s\"'<>()\[\]{},;:=/@&]+"), f"{MASK}@{MASK}"),
)


def mask(text: str) -> str:
    """Leave out addresses, the tokens of links, queries, and the rows in a database's complaint."""
    for pattern, replacement in MASKS:
        text = pattern.sub(replacement, text)
    return text


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object a line, for collectors. Adds nothing that the caller did not log."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class ReportFilter(SafeExceptionReporterFilter):
    """Keeps people's data and addresses with passwords in them out of Django's reports on errors."""

    hidden_settings = re.compile(
        rf"{SafeExceptionReporterFilter.hidden_settings.pattern}|_URL$|LOCATION|CONNECTION", re.IGNORECASE
    )

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        sent = super().get_post_parameters(request)
        return dict(sent) if settings.DEBUG else dict.fromkeys(sent, self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return variables if settings.DEBUG else [(name, self.cleansed_substitute) for name, _value in variables]
