"""What the crawls start from."""

import logging

import pytest

from mailings.tests.admin.crawl import Visitor


@pytest.fixture
def quiet():
    """Thousands of refusals on purpose: their lines in the log would cost more time than the requests."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def pytest_terminal_summary(terminalreporter):
    if Visitor.asked:
        each = ", ".join(f"{count} {method.upper()}" for method, count in sorted(Visitor.asked.items()))
        terminalreporter.write_line(f"The crawls made {Visitor.asked.total()} requests: {each}.")
