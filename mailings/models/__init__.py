"""Every table of the product, one noun per file."""

from mailings.models.attempt import Attempt
from mailings.models.claim import Claim
from mailings.models.client import Client
from mailings.models.client_list import ClientList
from mailings.models.counter import HourlyCounter
from mailings.models.delivery import Delivery
from mailings.models.grant import (
    AWAITED,
    ClientListAwaitedGrant,
    ClientListGroupGrant,
    ClientListUserGrant,
    Level,
    MailingAwaitedGrant,
    MailingGroupGrant,
    MailingUserGrant,
    MessageAwaitedGrant,
    MessageGroupGrant,
    MessageUserGrant,
)
from mailings.models.import_job import ImportJob
from mailings.models.imported_row import ImportedRow
from mailings.models.mail_account import MailAccount, SentCounter
from mailings.models.mailing import Mailing
from mailings.models.message import Attachment, Message
from mailings.models.reason import Reason
from mailings.models.rejected_row import RejectedRow
from mailings.models.rhythm import Rhythm
from mailings.models.run import Run
from mailings.models.suppression import Suppression
from mailings.models.worker import Worker

__all__ = [
    "AWAITED",
    "Attachment",
    "Attempt",
    "Claim",
    "Client",
    "ClientList",
    "ClientListAwaitedGrant",
    "ClientListGroupGrant",
    "ClientListUserGrant",
    "Delivery",
    "HourlyCounter",
    "ImportJob",
    "ImportedRow",
    "Level",
    "MailAccount",
    "Mailing",
    "MailingAwaitedGrant",
    "MailingGroupGrant",
    "MailingUserGrant",
    "Message",
    "MessageAwaitedGrant",
    "MessageGroupGrant",
    "MessageUserGrant",
    "Reason",
    "RejectedRow",
    "Rhythm",
    "Run",
    "SentCounter",
    "Suppression",
    "Worker",
]
