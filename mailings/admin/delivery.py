"""Deliveries: what became of each recipient of each run, read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ScopedRelatedFilter, badge, time_column, two_lines
from accounts.moment import exactly
from mailings.admin.base import RecordAdmin
from mailings.models import Attempt, Delivery

State = Delivery.State


class AttemptInline(admin.TabularInline):
    """A delivery has at most some ten attempts, so they may stand on its page."""

    model = Attempt
    fields = ("made", "outcome", "reason", "stage", "code", "enhanced_code", "answer")
    readonly_fields = fields
    extra = 0
    can_delete = False

    made = time_column("made_at", _("made at"), exactly)


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    list_display = ("recipient", "run", "state_badge", "tries", "next_try")
    list_filter = ("state", "reason", ("run", ScopedRelatedFilter))
    list_select_related = ("client", "run__mailing")
    search_fields = ("address",)
    search_help_text = _("Address")
    fields = ("address", "client", "run", "state_badge", "reason", "tries", "next_try", "message_id")
    readonly_fields = fields
    inlines = (AttemptInline,)
    empty_text = _("When a mailing is launched, every recipient gets a line here, with what became of his letter.")
    legend = (
        (State.PENDING, _("Waits for his letter to be sent.")),
        (State.ACCEPTED, _("The mail server took the letter; whether it was read nobody knows.")),
        (State.DEFERRED, _("The mail server asked to come back later; it is tried again by itself.")),
        (State.REFUSED, _("The mail server does not take the letter; the reason stands beside it.")),
        (
            State.UNKNOWN,
            _("The line broke or the worker stopped before the answer came: you decide about a second try."),
        ),
        (State.SUPPRESSED, _("Unsubscribed or on the suppression list: nothing was sent.")),
        (State.CANCELLED, _("The mailing was switched off, its window ended or the client was deleted first.")),
    )

    next_try = time_column("next_try_at", _("next try at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).showing_hands()  # type: ignore[attr-defined]
        return rows

    @admin.display(description=_("recipient"), ordering="address")
    def recipient(self, delivery: Delivery) -> SafeString:
        return two_lines(delivery.address, delivery.client.full_name if delivery.client else "")

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, delivery: Any) -> SafeString:
        if delivery.state == State.PENDING and delivery.is_handed_over:
            return badge("sending", gettext("being sent"))
        why = "" if delivery.state == State.ACCEPTED else delivery.get_reason_display()
        return two_lines(badge(delivery.state, delivery.get_state_display()), why if delivery.reason else "")
