"""The log names nobody, whoever writes into it: not an address, not a link that opens something, not a row."""

import json
import logging
import sys

import pytest
from django.db import IntegrityError
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from mailings import views
from project.log import JsonFormatter, ReportFilter, TextFormatter, mask
from project.urls import urlpatterns


def written(formatter, message, *args, error=None):
    """Write one record as the handler would."""
    info = None
    if error:
        try:
            raise error
        except type(error):
            info = sys.exc_info()
    return formatter.format(logging.LogRecord("test", logging.ERROR, __file__, 1, message, args, info))


class TestMask:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("sent to ivan.petrov+x@client.example.", "sent to ***@***"),
            ("Иван <иван@почта.рф>, ok", "Иван <***@***>, ok"),
            ("{'username': 'ivan@client.example', 'ip': '10.0.0.7'}", "{'username': '***@***', 'ip': '10.0.0.7'}"),
            ("GET /u/AbCd_-123/ HTTP/1.1", "GET /u/*** HTTP/1.1"),
            ("Not Found: /reset/MQ/cz9-0fa/", "Not Found: /reset/***"),
            ("Not Found: /invitation/MQ/cz9-0fa/", "Not Found: /invitation/***"),
            (
                '"GET /admin/mailings/client/?q=%D0%98&o=1 HTTP/1.1" 200',
                '"GET /admin/mailings/client/?*** HTTP/1.1" 200',
            ),
            ("Referer: https://post.example.org/u/AbCd/", "Referer: https://post.example.org/u/***"),
            ("ivan%40client.example", "***@***"),
            ("redis://:secret@10.0.0.7:6379/0", "redis://:***@***:6379/0"),
            ("postgres://post:secret@db.example/x?sslmode=require", "postgres://post:***@***/x?***"),
            ("run 7 paused: what is it? Nobody knows.", "run 7 paused: what is it? Nobody knows."),
            ("mailings.tasks.deliver_run: 0b7e exp=60", "mailings.tasks.deliver_run: 0b7e exp=60"),
        ],
    )
    def test_leaves_out_what_names_somebody(self, text, shown):
        assert mask(text) == shown

    def test_reads_a_line_without_a_break(self):
        assert mask("x" * 100_000 + "@client.example").endswith("***@***")

    def test_knows_every_address_of_ours_that_opens_something(self):
        secrets = [str(entry.pattern) for entry in urlpatterns if "token" in str(entry.pattern)]

        assert secrets
        assert [path for path in secrets if "/***" not in mask(f"/{path.replace('<', '').replace('>', '')}")] == []


class TestTheFormatters:
    # What PostgreSQL says when a row does not fit, with the row in it, over several lines.
    COMPLAINT = IntegrityError(
        'new row violates check constraint "x"\nDETAIL:  Failing row contains (7, Secret subject, hidden\n\nhidden).\n'
    )

    @pytest.mark.parametrize("formatter", [TextFormatter("%(message)s"), JsonFormatter()])
    def test_mask_the_message_and_the_traceback(self, formatter):
        error = ValueError("no letter for ivan@client.example")

        line = written(formatter, "recipient %s: %s", "ivan@client.example", "/u/AbCd/", error=error)

        assert ("client.example" in line, "AbCd" in line, "Traceback" in line) == (False, False, True)

    @pytest.mark.parametrize("formatter", [TextFormatter("%(message)s"), JsonFormatter()])
    def test_leave_out_the_row_that_the_database_repeats(self, formatter):
        line = written(formatter, "failed: %s", self.COMPLAINT, error=self.COMPLAINT)

        assert ("Secret" in line, "hidden" in line, line.count("DETAIL: ***")) == (False, False, 2)
        assert "Traceback" in line

    def test_of_json_write_one_object_a_line(self):
        line = written(JsonFormatter(), "two\nlines", error=ValueError("x"))

        found = json.loads(line)
        assert "\n" not in line
        assert (found["level"], found["message"], found["error"].splitlines()[-1]) == (
            "ERROR",
            "two\nlines",
            "ValueError: x",
        )


class TestEveryLogger:
    def test_writes_through_our_formatters(self, settings):
        """Django, huey and gunicorn bring handlers of their own, which the settings have to replace."""
        names = ("", "django", "django.server", "huey", "gunicorn.access", "gunicorn.error")
        formatters = {handler["formatter"] for handler in settings.LOGGING["handlers"].values()}

        assert [name for name in names if name and settings.LOGGING["loggers"][name]["handlers"] != ["console"]] == []
        assert [settings.LOGGING["formatters"][name]["()"] for name in formatters] == ["project.log.TextFormatter"]
        assert settings.LOGGING["root"]["handlers"] == ["console"]

    def test_mails_no_report(self):
        """Django would mail its reports on errors, with the variables of every frame."""
        handlers = [handler for logger in loggers() for handler in logger.handlers]

        assert [handler for handler in handlers if type(handler).__name__ == "AdminEmailHandler"] == []


def loggers():
    known = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    return [logging.root, *known]


class TestAReportOnAnError:
    # Put together here, for a report also shows the lines of code around the error.
    POSTED, HELD, PASSWORD = (f"zq-{word}" for word in ("posted", "held", "password"))

    def test_holds_neither_what_was_posted_nor_what_was_at_hand(self, settings):
        settings.DATABASE_URL = f"postgres://post:{self.PASSWORD}@db/x"

        report = self.report_on(RequestFactory().post("/admin/", {"full_name": self.POSTED}), self.HELD)

        assert [word for word in (self.POSTED, self.HELD, self.PASSWORD) if word in report] == []
        assert ("IndexError" in report, "full_name" in report, "subject" in report) == (True, True, True)

    def report_on(self, request, subject):
        request.exception_reporter_filter = ReportFilter()
        try:
            [][len(subject)]
        except IndexError:
            return ExceptionReporter(request, *sys.exc_info()).get_traceback_html()

    def test_shows_them_to_a_developer(self, settings):
        settings.DEBUG = True

        report = self.report_on(RequestFactory().post("/admin/", {"full_name": self.POSTED}), self.HELD)

        assert [word for word in (self.POSTED, self.HELD) if word not in report] == []

    def test_is_made_with_our_filter(self, settings):
        assert settings.DEFAULT_EXCEPTION_REPORTER_FILTER == "project.log.ReportFilter"


@pytest.mark.django_db
class TestAnAnswerThatFailed:
    def test_shows_nothing_of_what_went_wrong(self, client, monkeypatch, caplog):
        def fail(token):
            raise ValueError("ivan@client.example")

        monkeypatch.setattr(views.operations, "delivery_of", fail)
        client.raise_request_exception = False

        response = client.get("/u/AbCd/")

        assert response.status_code == 500
        assert ("client.example" in response.content.decode(), "Traceback" in response.content.decode()) == (
            False,
            False,
        )
