"""Handing rows over to another owner, with everything that belongs together.

Nobody becomes mailable by it: who has unsubscribed from the former owner's mailings stays so for the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.access import grant_tables
from accounts.models import User
from mailings.models import (
    Attachment,
    Attempt,
    Client,
    ClientList,
    Delivery,
    HourlyCounter,
    ImportJob,
    Mailing,
    Message,
    Run,
    Suppression,
)
from mailings.operations.bundle import Bundle, OnLists, OnMailings
from mailings.operations.refusal import NotPossible
from mailings.operations.unshared import uses_others
from mailings.operations.uphold import pause_unshared

CHUNK = 1000


class IsUnderWay(NotPossible):
    sentence = _("A run of these mailings is not finished. Wait for its end, or switch the mailing off.")


class NameIsTaken(NotPossible):
    sentence = _("The new owner has a client list of the same name. Rename one of the two first.")


@dataclass(frozen=True, slots=True)
class Collisions:
    """What two owners' rows cannot both have, and what the new owner would lack."""

    names: list[str]
    addresses: int
    borrowing: list[str]


def collisions(bundle: Bundle, to: User) -> Collisions:
    """Tell the list names and the number of addresses that both have, and the mailings that use what others share."""
    borrowing = Mailing.objects.filter(uses_others(), pk__in=bundle.mailings)
    return Collisions(
        names=list(taken_names(bundle, to).values_list("name", flat=True)),
        addresses=repeated(bundle, to).count(),
        borrowing=list(borrowing.values_list("title", flat=True)),
    )


def refuse_transfer(bundle: Bundle, to: User) -> None:
    """:raises NotPossible: letters are still to leave, or the new owner has a list of the same name."""
    undecided = Delivery.objects.undecided().filter(owner=bundle.owner, client__in=bundle.clients.values("pk"))
    if Run.objects.unfinished().filter(mailing__in=bundle.mailings).exists() or undecided.exists():
        raise IsUnderWay
    if taken_names(bundle, to).exists():
        raise NameIsTaken


def taken_names(bundle: Bundle, to: User) -> QuerySet[ClientList]:
    same = ClientList.objects.owned_by(to).filter(name=OuterRef("name"))
    return ClientList.objects.filter(Exists(same), pk__in=bundle.lists).order_by("name")


def repeated(bundle: Bundle, to: User) -> QuerySet[Client]:
    """Select the clients whose address stands in the new owner's base too."""
    return bundle.clients.filter(Exists(Client.objects.owned_by(to).filter(email=OuterRef("email"))))


def transfer(bundle: Bundle, to: User) -> None:
    """Give everything in the bundle to `to`, all or nothing; mailings that then use what is not shared with him pause.

    Where both have a client of the same address, the new owner's stays as he has it, and takes the other's place.

    :raises NotPossible: see `refuse_transfer`.
    """
    with transaction.atomic():
        hold(bundle)
        refuse_transfer(bundle, to)
        copy_suppressions(bundle, to)
        merge(bundle, to)
        # While they still are the former owner's; the lists and mailings that lead to them go last.
        bundle.clients.update(owner=to)
        for rows in the_rest(bundle):
            rows.update(owner=to)
        drop_grants(bundle, to)
    pause_unshared()


def hold(bundle: Bundle) -> None:
    """Keep anybody from launching one of the mailings meanwhile."""
    list(Mailing.objects.select_for_update(no_key=True).filter(pk__in=bundle.mailings).order_by("pk").values("pk"))


def the_rest(bundle: Bundle) -> list[QuerySet[Any]]:
    of_mailings, of_runs = {"mailing__in": bundle.mailings}, {"run__mailing__in": bundle.mailings}
    return [
        Attempt.objects.filter(**of_runs),
        Delivery.objects.filter(**of_runs),
        Run.objects.filter(**of_mailings),
        HourlyCounter.objects.filter(**of_mailings),
        Attachment.objects.filter(message__in=bundle.messages),
        ImportJob.objects.filter(client_list__in=bundle.lists, owner=bundle.owner),
        Mailing.objects.filter(pk__in=bundle.mailings),
        Message.objects.filter(pk__in=bundle.messages),
        ClientList.objects.filter(pk__in=bundle.lists),
    ]


def copy_suppressions(bundle: Bundle, to: User) -> None:
    """Give the new owner what binds the former one of these addresses; it goes on binding him too."""
    source = Suppression.objects.owned_by(bundle.owner).filter(address__in=bundle.clients.values("email"))
    rows = source.order_by("pk").iterator(CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        copies = [Suppression(owner=to, address=r.address, reason=r.reason, created_at=r.created_at) for r in chunk]
        Suppression.objects.bulk_create(copies, ignore_conflicts=True)


def merge(bundle: Bundle, to: User) -> None:
    """Put the new owner's clients in the place of those with the same address, a chunk at a time."""
    while gone := dict(repeated(bundle, to).values_list("pk", "email")[:CHUNK]):
        twins = dict(Client.objects.owned_by(to).filter(email__in=gone.values()).values_list("email", "pk"))
        for links in (OnLists, OnMailings):
            relink(links.filter(client__in=gone), {pk: twins[email] for pk, email in gone.items()})
        Delivery.objects.filter(client__in=gone, run__mailing__in=bundle.mailings).update(client=twin_of(to))
        Client.objects.filter(pk__in=gone).delete()


def relink(links: QuerySet[Any], twins: dict[int, int]) -> None:
    """Write each link anew with the twin; where that stands already, one of the two is enough."""
    rows = list(links)
    for row in rows:
        row.pk, row.client_id = None, twins[row.client_id]
    links.delete()
    links.model.objects.bulk_create(rows, CHUNK, ignore_conflicts=True)


def twin_of(to: User) -> Subquery:
    address = Client.objects.filter(pk=OuterRef(OuterRef("client_id"))).order_by().values("email")
    return Subquery(Client.objects.owned_by(to).filter(email=Subquery(address)).order_by().values("pk")[:1])


def drop_grants(bundle: Bundle, to: User) -> None:
    """Take from the new owner what he had as somebody else's: it is his."""
    for model, ids in ((ClientList, bundle.lists), (Message, bundle.messages), (Mailing, bundle.mailings)):
        grant_tables(model)[0].objects.filter(user=to, content_object__in=ids).delete()
