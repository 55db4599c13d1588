"""Why a delivery ended as it did, in words for people."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    NONE = "", _("—")
    # The mail server's answer: the values are those of mailings.sending.reply.Reason (a test holds the two together).
    ACCEPTED = "accepted", _("accepted by the mail server")
    NO_SUCH_ADDRESS = "no_such_address", _("the address does not exist")
    ADDRESS_REJECTED = "address_rejected", _("the mail server does not take this address")
    MAILBOX_FULL = "mailbox_full", _("the mailbox is full")
    GREYLISTED = "greylisted", _("the mail server asks to come back later")
    TEMPORARY = "temporary", _("refused for the time being")
    POLICY = "policy", _("refused by a rule of the mail server")
    SPAM = "spam", _("taken for spam")
    MESSAGE_REJECTED = "message_rejected", _("the mail server refuses the message")
    TOO_BIG = "too_big", _("the letter is too big")
    BAD_DATA = "bad_data", _("the client's data do not fit into a letter")
    QUOTA = "quota", _("the mail account's quota is used up")
    RATE = "rate", _("the mail account sends too fast")
    LOGIN = "login", _("the mail server refuses our login")
    ACCOUNT_BLOCKED = "account_blocked", _("the mail account is blocked")
    SENDER_REJECTED = "sender_rejected", _("the mail server refuses our sender address")
    RELAY_DENIED = "relay_denied", _("the mail server does not send for us")
    TLS = "tls", _("no secure connection to the mail server")
    NO_CONNECTION = "no_connection", _("no connection to the mail server")
    LOST_CONNECTION = "lost_connection", _("the connection to the mail server broke")
    NO_ANSWER = "no_answer", _("the letter was handed over and no answer came")
    SERVER_BUSY = "server_busy", _("the mail server is busy")
    SERVER_REFUSES = "server_refuses", _("the mail server refuses to talk to us")
    PROTOCOL = "protocol", _("the mail server answered something unintelligible")
    RECALLED = "recalled", _("called back before it left")
    # Ours
    UNSUBSCRIBED = "unsubscribed", _("the client has unsubscribed")
    SUPPRESSED = "suppressed", _("the address is on the suppression list")
    CLIENT_DELETED = "client_deleted", _("the client was deleted")
    SWITCHED_OFF = "switched_off", _("the mailing was switched off")
    WINDOW_ENDED = "window_ended", _("the window ended before it could be sent")
    EXHAUSTED = "exhausted", _("refused for the time being until the tries ran out")
    WORKER_LOST = "worker_lost", _("the worker stopped while the letter was on its way")
