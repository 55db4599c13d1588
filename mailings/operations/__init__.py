"""Verbs over several tables, one use case per file."""

from mailings.operations.bundle import Bundle, belonging_to
from mailings.operations.checklist import checklist, warnings
from mailings.operations.control import failed, pause, refuse_retry, resume, retry, switch_off
from mailings.operations.copy import copy, copy_message
from mailings.operations.deliver import deliver, end_with
from mailings.operations.failures import failures
from mailings.operations.finish import finish_if_done
from mailings.operations.launch import launch, refuse_unlaunchable
from mailings.operations.recipients import Audience, audience
from mailings.operations.recover import tick
from mailings.operations.refusal import NoRecipients, NotPossible, NotShared
from mailings.operations.send_test import send_test
from mailings.operations.summary import progress
from mailings.operations.suppress import delivery_of, unsubscribe
from mailings.operations.transfer import Collisions, collisions, refuse_transfer, transfer
from mailings.operations.unshared import is_unshared
from mailings.operations.uphold import pause_mailings_of_lists

__all__ = [
    "Audience",
    "Bundle",
    "Collisions",
    "NoRecipients",
    "NotPossible",
    "NotShared",
    "audience",
    "belonging_to",
    "checklist",
    "collisions",
    "copy",
    "copy_message",
    "deliver",
    "delivery_of",
    "end_with",
    "failed",
    "failures",
    "finish_if_done",
    "is_unshared",
    "launch",
    "pause",
    "pause_mailings_of_lists",
    "progress",
    "refuse_retry",
    "refuse_transfer",
    "refuse_unlaunchable",
    "resume",
    "retry",
    "send_test",
    "switch_off",
    "tick",
    "transfer",
    "unsubscribe",
    "warnings",
]
