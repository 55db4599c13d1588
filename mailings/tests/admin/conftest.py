"""What the crawls start from."""

import logging

import pytest


@pytest.fixture
def quiet():
    """Thousands of refusals on purpose: their lines in the log would cost more time than the requests."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
