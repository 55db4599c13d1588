"""What a mailing uses of other people's, and what to do once it is no longer shared with the mailing's owner."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q

from mailings.models import Client, ClientList, Mailing, Message
from mailings.operations.refusal import NotShared


def is_unshared(mailing: Mailing) -> bool:
    """Tell whether the mailing uses a message, a list or clients that its owner may not use.

    An excluded list is no matter: whom it holds stays left out, shared or not.
    """
    owner = mailing.owner
    message = Message.objects.usable_by(owner).filter(pk=mailing.message_id)
    lists = mailing.lists.exclude(pk__in=ClientList.objects.usable_by(owner).order_by().values("pk"))
    clients = mailing.clients.exclude(pk__in=Client.objects.usable_by(owner).order_by().values("pk"))
    return not message.exists() or lists.exists() or clients.exists()


def refuse_unshared(mailing: Mailing) -> None:
    """:raises NotShared: see `is_unshared`."""
    if is_unshared(mailing):
        raise NotShared


def uses_others() -> Q:
    """Select the mailings that use anything of somebody else's."""
    lists = Mailing.lists.through.objects.filter(mailing=OuterRef("pk")).exclude(clientlist__owner=OuterRef("owner"))
    clients = Mailing.clients.through.objects.filter(mailing=OuterRef("pk")).exclude(client__owner=OuterRef("owner"))
    return ~Q(message__owner=F("owner")) | Q(Exists(lists)) | Q(Exists(clients))
