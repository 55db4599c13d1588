"""Who gets a mailing, who is left out and why, and the one statement that fixes them in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, F, Func, OuterRef, QuerySet, UUIDField, Value

from mailings.models import Client, ClientList, Delivery, Mailing, Run, Suppression


class RandomUUID(Func):
    """A random UUID made by the database, one per row."""

    output_field = UUIDField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="gen_random_uuid()", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="lower(hex(randomblob(16)))", **context)


@dataclass(frozen=True, slots=True)
class Audience:
    """How many clients were chosen, how many of them get the mailing, and how many are left out by cause."""

    chosen: int
    excluded: int
    suppressed: int
    repeated: int

    @property
    def recipients(self) -> int:
        return self.chosen - self.excluded - self.suppressed - self.repeated


def chosen(mailing: Mailing) -> QuerySet[Client]:
    """Select the clients of the chosen lists and the single ones: his own, and those shared with him for use."""
    lists = ClientList.objects.usable_by(mailing.owner).filter(mailings=mailing).order_by()
    of_lists = ClientList.clients.through.objects.filter(clientlist__in=lists.values("pk")).values("client_id")
    single = Client.objects.usable_by(mailing.owner).filter(mailings=mailing).order_by().values("pk")
    return Client.objects.filter(pk__in=of_lists.union(single)).order_by("pk")


def excluded_ids(mailing: Mailing) -> QuerySet[Any]:
    members = ClientList.clients.through.objects.filter(clientlist__excluding_mailings=mailing)
    return members.values("client_id")


def is_suppressed(mailing: Mailing) -> Exists:
    """Test a client against the suppressions of the mailing's owner, of the client's owner and of everybody."""
    binding = Suppression.objects.binding(mailing.owner_id, OuterRef("owner_id"))
    return Exists(binding.filter(address=OuterRef("email")))


def mailable(mailing: Mailing) -> QuerySet[Client]:
    """Select those who get it. Two owners' clients with one address are one recipient (the ledger is unique by it)."""
    return chosen(mailing).exclude(pk__in=excluded_ids(mailing)).exclude(is_suppressed(mailing))


def audience(mailing: Mailing) -> Audience:
    """Count for the confirmation page what a launch now would do."""
    everybody = chosen(mailing)
    kept = everybody.exclude(pk__in=excluded_ids(mailing))
    counts = everybody.count(), kept.count(), mailable(mailing).count()
    addresses = mailable(mailing).order_by().values("email").distinct().count()
    return Audience(counts[0], counts[0] - counts[1], counts[1] - counts[2], counts[2] - addresses)


COLUMNS = ("owner_id", "run_id", "client_id", "address", "state", "reason", "tries", "message_id")


def fix_recipients(run: Run) -> int:
    """Write a pending delivery for each recipient, in one statement and constant memory, and return how many."""
    rows = mailable(run.mailing).values_list(
        Value(run.owner_id),
        Value(run.pk),
        F("pk"),
        F("email"),
        Value(Delivery.State.PENDING.value),
        Value(""),
        Value(0),
        RandomUUID(),
    )
    select, params = rows.query.sql_with_params()
    columns = ", ".join(COLUMNS)
    insert = f"INSERT INTO {Delivery._meta.db_table} ({columns}) {select} ON CONFLICT (run_id, address) DO NOTHING"
    with connection.cursor() as cursor:
        cursor.execute(insert, params)
        return int(cursor.rowcount)
