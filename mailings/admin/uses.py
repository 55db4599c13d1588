"""What a mailing uses, named where it is only shown: never what its owner may no longer see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from mailings.admin.access import SharedAdmin
from mailings.models import Mailing, Message

RECIPIENTS_SHOWN = ("lists_shown", "clients_shown", "excluded_lists_shown")


class UsesAdmin(SharedAdmin):
    @admin.display(description=_("message"))
    def message_shown(self, mailing: Mailing) -> str:
        name = names_of(mailing, [mailing.message])
        if name != str(mailing.message):
            return name
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:mailings_message_change", args=[mailing.message_id]), name
        )

    @admin.display(description=_("client lists"))
    def lists_shown(self, mailing: Mailing) -> str:
        return names_of(mailing, mailing.lists.all())

    @admin.display(description=_("single clients"))
    def clients_shown(self, mailing: Mailing) -> str:
        return names_of(mailing, mailing.clients.all())

    @admin.display(description=_("except the clients of"))
    def excluded_lists_shown(self, mailing: Mailing) -> str:
        return names_of(mailing, mailing.excluded_lists.all())

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> Any:
        """Search by subject too, among messages that this person may see: a mailing may use one he no longer may."""
        rows, may_repeat = super().get_search_results(request, queryset, term)
        if term:
            seen = Message.objects.visible_to(person(request)).filter(subject__icontains=term)
            rows |= queryset.filter(message__in=seen.order_by().values("pk"))
        return rows, may_repeat


def names_of(mailing: Mailing, rows: Iterable[Any]) -> str:
    """Name what the mailing uses; what is not shared with its owner any more may have got another name since."""
    rows = list(rows)
    foreign = {row.pk for row in rows if row.owner_id != mailing.owner_id}
    if foreign:
        seen = type(rows[0]).objects.visible_to(mailing.owner).filter(pk__in=foreign)
        foreign -= set(seen.values_list("pk", flat=True))
    names = [str(row) for row in rows if row.pk not in foreign]
    return ", ".join(names + ([unshared(len(foreign))] if foreign else []))


def subjects_of(request: HttpRequest, mailings: Iterable[Mailing]) -> dict[int, str]:
    """Name the messages of a page of mailings, asking once for those of others."""
    mailings = list(mailings)
    foreign = {mailing.message_id for mailing in mailings if mailing.message.owner_id != mailing.owner_id}
    if foreign:
        foreign -= set(Message.objects.visible_to(person(request)).filter(pk__in=foreign).values_list("pk", flat=True))
    return {
        mailing.pk: gettext("no longer shared") if mailing.message_id in foreign else mailing.message.subject
        for mailing in mailings
    }


def unshared(count: int) -> str:
    return ngettext("%(n)s that is no longer shared", "%(n)s that are no longer shared", count) % {"n": count}
