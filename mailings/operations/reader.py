"""As whom a message is looked at: one client after the other, the one with the longest name, one who lacks a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Length, NullIf, Trim
from django.utils.translation import gettext

from accounts.models import User
from mailings.models import Client
from mailings.models.placeholder import spellings

# Names of attributes are gathered from so many of the newest clients: a base may hold a million of them.
SAMPLE = 500
MOST_NAMES = 30
LOOKED_THROUGH = 10_000


def readers(user: User) -> QuerySet[Client]:
    """Select those as whom this person may look: the clients he may write to, the newest first."""
    found: QuerySet[Client] = Client.objects.usable_by(user).order_by("-pk")
    return found


def example() -> Client:
    """Make up a client for somebody who has none yet."""
    return Client(email="anna@example.com", full_name=gettext("Anna Example"))


def newest(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Keep as many as can be looked through while somebody waits for a page."""
    found: QuerySet[Client] = Client.objects.filter(pk__in=clients.values("pk")[:LOOKED_THROUGH]).order_by("-pk")
    return found


def neighbours(clients: QuerySet[Client], client: Client) -> tuple[int | None, int | None]:
    """Name the clients before and after this one."""
    before = clients.filter(pk__gt=client.pk or 0).order_by("pk").values_list("pk", flat=True).first()
    after = clients.filter(pk__lt=client.pk or 0).values_list("pk", flat=True).first()
    return before, after


def longest(clients: QuerySet[Client]) -> Client | None:
    return clients.order_by(Length("full_name").desc(), "-pk").first()


def next_lacking(clients: QuerySet[Client], keys: Iterable[str], after: int) -> Client | None:
    """Find the next client without a value for one of these keys, and from the last go on with the first."""
    lacking = [lacks for key in keys if (lacks := without(clients, key)) is not None]
    for place in ({"pk__lt": after}, {}):
        found = [client for lacks in lacking if (client := lacks.filter(**place).first())]
        if found:
            return max(found, key=lambda client: client.pk)
    return None


def without(clients: QuerySet[Client], key: str) -> QuerySet[Client] | None:
    """Keep those who have nothing for a placeholder's key; None where everybody has something."""
    if key == "email":
        return None
    if key == "full_name":
        return clients.alias(value=Trim("full_name")).filter(value="")
    nothing = Value("", TextField())
    values = [NullIf(Trim(KeyTextTransform(name, "attributes")), nothing) for name in spellings(key)]
    return clients.alias(value=Coalesce(*values, nothing)).filter(value="")


def attribute_names(owner: User) -> list[str]:
    """List what the owner's clients have besides name and address, the most frequent first."""
    newest = Client.objects.owned_by(owner).order_by("-pk").values_list("attributes", flat=True)[:SAMPLE]
    counted = Counter(name.casefold() for attributes in newest for name in attributes)
    return [name for name, _count in counted.most_common(MOST_NAMES)]
