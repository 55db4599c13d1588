"""Copying a mailing or a message: the way to send again, or to change, what has run its course."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from mailings.models import Attachment, Client, ClientList, Mailing, Message
from mailings.operations.refusal import NotPossible


@transaction.atomic
def copy(mailing: Mailing, by: User) -> Mailing:
    """Make a new mailing of `by` with the same message, recipients and length of window, beginning in an hour at best.

    :raises NotPossible: its message is not his to use.
    """
    if not Message.objects.usable_by(by).filter(pk=mailing.message_id).exists():
        raise NotPossible(gettext("You may not use its message in a mailing of your own."))
    length = mailing.finish_send_at - mailing.first_send_at
    earliest = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    first = max(mailing.first_send_at, earliest)
    made = Mailing.objects.create(
        owner=by,
        title=gettext("Copy of %(title)s")[:150] % {"title": mailing.title[:130]},
        message=mailing.message,
        first_send_at=first,
        finish_send_at=first + length,
        rhythm=mailing.rhythm,
    )
    lists, clients = ClientList.objects.usable_by(by), Client.objects.usable_by(by)
    made.lists.set(lists.filter(mailings=mailing))
    made.excluded_lists.set(lists.filter(excluding_mailings=mailing))
    made.clients.set(clients.filter(mailings=mailing))
    return made


@transaction.atomic
def copy_message(message: Message, by: User) -> Message:
    """Make a new message of `by` that says the same; attachments share their files, which nobody ever deletes.

    :raises NotPossible: it is not his to use.
    """
    if not Message.objects.usable_by(by).filter(pk=message.pk).exists():
        raise NotPossible(gettext("You may not use this message."))
    made = Message.objects.create(owner=by, subject=message.subject, text=message.text, html=message.html)
    for attachment in message.attachments.all():
        Attachment.objects.create(owner=by, message=made, file=attachment.file.name, name=attachment.name)
    return made
