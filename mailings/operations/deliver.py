"""Delivering a run, a slice at a time: the entry point of the workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone

from mailings.models import Mailing, Run
from mailings.operations.control import pause
from mailings.operations.finish import finish_if_done
from mailings.operations.frame import Letters, site_host
from mailings.operations.sender import Sender
from mailings.sending.account import Account, Policy, Security
from mailings.sending.smtp import Pool

# After a slice the task ends and wakes itself again, so that the minute's task and other runs get their turn.
SLICE_SECONDS = 10.0

_stopping = threading.Event()
_running: set[int] = set()
_running_lock = threading.Lock()


def end_with(flag: threading.Event) -> None:
    """Have deliveries end soon once the flag is set; letters not handed over by then stay for the next worker."""
    global _stopping  # noqa: PLW0603  one worker per process
    _stopping = flag


@contextmanager
def only_one_here(run_id: int) -> Iterator[bool]:
    """Let one thread of this process deliver a run: a second one would only double its connections."""
    with _running_lock:
        is_first = run_id not in _running
        _running.add(run_id)
    try:
        yield is_first
    finally:
        if is_first:
            _running.discard(run_id)


def account() -> Account:
    """Describe the organisation's mail account, as the settings have it."""
    security = (
        Security.TLS if settings.EMAIL_USE_SSL else Security.STARTTLS if settings.EMAIL_USE_TLS else Security.PLAIN
    )
    return Account(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        security=security,
        username=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        helo=settings.EMAIL_HELO or site_host(),
    )


def deliver(run_id: int, seconds: float = SLICE_SECONDS) -> bool:
    """Send a run's letters for at most so many seconds (and until those in flight are answered).

    Return whether somebody is left to send to at once.
    """
    with only_one_here(run_id) as is_first:
        if not is_first:
            return False
        run = Run.objects.sendable().select_related("mailing", "owner").filter(pk=run_id).first()
        if run is None:
            return False
        try:
            letters = Letters(run)
        except (ValueError, OSError) as error:
            # The message's fault, or that of a lost attachment: say so where its owner looks, and burn nobody.
            pause(run.mailing_id, Mailing.PauseReason.MESSAGE, str(error))
            return False
        with Pool(account(), Policy(connections=settings.SENDING_CONNECTIONS)) as pool:
            until = time.monotonic() + seconds
            has_more = Sender(run, letters, pool, until, is_stopping=_stopping.is_set).work()
    finish_if_done(run_id, timezone.now())
    return has_more
