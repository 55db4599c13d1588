"""Imports for tests, taken as far as a test wants them."""

import io

from mailings.models import Client, ClientList, ImportJob
from mailings.operations import imports
from mailings.operations.imports.row import TOTALS

MIXED = """Почта;Имя;Город
ivan@example.com;Иван;Казань

IVAN@Example.COM;Пётр;Пермь
ivan@;Кто-то;Омск
olga@example.com;Ольга;Тверь
anna@example.com;Анна;Псков
"""


def received(text, owner, name="clients.csv"):
    return imports.receive(io.BytesIO(text.encode()), name, owner, "en")


def checked(text, owner, targets=None, **options):
    job = received(text, owner)
    imports.choose(job, targets or [each["target"] for each in job.mapping], **options)
    return worked(job)


def queued(text, owner, list_name="", **options):
    job = checked(text, owner, list_name=list_name, **options)
    imports.queue(job)
    return job


def loaded(text, owner, list_name="", **options):
    return worked(queued(text, owner, list_name, **options))


def undone(job):
    imports.start_undo(job)
    return worked(job)


def worked(job):
    """Do what is to be done now and return the import as it is then."""
    imports.work(job.pk)
    return ImportJob.objects.get(pk=job.pk)


def counts(job):
    return {name: getattr(job, name) for name in TOTALS}


def totals(**counts):
    return {name: counts.get(name, 0) for name in TOTALS}


def base_of(owner):
    return list(Client.objects.owned_by(owner).order_by("email").values_list("email", "full_name", "comment"))


def everything():
    """Copy all that an import may write into: clients, lists and who is on them."""
    members = ClientList.clients.through.objects.order_by("clientlist_id", "client_id")
    return (
        list(Client.objects.order_by("pk").values()),
        list(ClientList.objects.order_by("pk").values()),
        list(members.values_list("clientlist_id", "client_id")),
    )
