"""What belongs together: a list's clients stand on other lists too, mailings send to them, messages go with mailings.

None of it can have one owner while the rest has another: a link from one owner's row to another's is what only a grant
makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from accounts.access import Owned
from accounts.models import User
from mailings.models import Client, ClientList, Mailing, Message, Run

OnLists = ClientList.clients.through.objects
OnMailings = Mailing.clients.through.objects


@dataclass(frozen=True, slots=True)
class Bundle:
    """Ids of what belongs together of one owner's; the clients, of whom there may be a million, as a query."""

    owner: User
    lists: frozenset[int] = field(default_factory=frozenset)
    messages: frozenset[int] = field(default_factory=frozenset)
    mailings: frozenset[int] = field(default_factory=frozenset)

    @property
    def clients(self) -> QuerySet[Client]:
        on_lists = OnLists.filter(clientlist__in=self.lists).values("client")
        on_mailings = OnMailings.filter(mailing__in=self.mailings).values("client")
        linked = Q(pk__in=on_lists) | Q(pk__in=on_mailings)
        rows: QuerySet[Client] = Client.objects.owned_by(self.owner).filter(linked).order_by()
        return rows

    @property
    def numbers(self) -> dict[str, int]:
        """Count what goes, for a person who is to say yes to it."""
        return {
            "lists": len(self.lists),
            "clients": self.clients.count(),
            "messages": len(self.messages),
            "mailings": len(self.mailings),
            "runs": Run.objects.filter(mailing__in=self.mailings).count(),
        }

    def grown(self) -> Bundle:
        """Add what is linked to what there is."""
        clients = self.clients.values("pk")
        mailings = Mailing.objects.owned_by(self.owner)
        lists = ClientList.objects.owned_by(self.owner)
        sends = Q(message__in=self.messages) | Q(lists__in=self.lists) | Q(excluded_lists__in=self.lists)
        goes_to = Q(pk__in=OnMailings.filter(client__in=clients).values("mailing"))
        used = Q(mailings__in=self.mailings) | Q(excluding_mailings__in=self.mailings)
        holds = Q(pk__in=OnLists.filter(client__in=clients).values("clientlist"))
        return Bundle(
            self.owner,
            self.lists | ids(lists.filter(used | holds)),
            self.messages | ids(Message.objects.owned_by(self.owner).filter(mailings__in=self.mailings)),
            self.mailings | ids(mailings.filter(sends | goes_to)),
        )


def ids(rows: QuerySet[Any]) -> frozenset[int]:
    return frozenset(rows.order_by().values_list("pk", flat=True))


def belonging_to(rows: Iterable[Owned]) -> Bundle:
    """Collect everything that belongs together with rows of one owner and one kind."""
    rows = list(rows)
    name = {ClientList: "lists", Message: "messages", Mailing: "mailings"}[type(rows[0])]
    bundle, grown = None, Bundle(rows[0].owner, **{name: frozenset(row.pk for row in rows)})
    while grown != bundle:
        bundle, grown = grown, grown.grown()
    return grown
