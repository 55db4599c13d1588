"""Deliveries: what became of each recipient of each run, read-only."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ScopedRelatedFilter, badge
from mailings.admin.base import RecordAdmin
from mailings.models import Attempt, Delivery


class AttemptInline(admin.TabularInline):
    """A delivery has at most some ten attempts, so they may stand on its page."""

    model = Attempt
    fields = ("made_at", "outcome", "reason", "stage", "code", "enhanced_code", "answer")
    readonly_fields = fields
    extra = 0
    can_delete = False


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    list_display = ("address", "client_name", "run", "state_badge", "why", "tries", "next_try_at")
    list_filter = ("state", "reason", ("run", ScopedRelatedFilter))
    list_select_related = ("client", "run__mailing")
    search_fields = ("address",)
    search_help_text = _("Address")
    fields = ("address", "client", "run", "state", "reason", "tries", "next_try_at", "message_id")
    readonly_fields = fields
    inlines = (AttemptInline,)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, delivery: Delivery) -> SafeString:
        return badge(delivery.state, delivery.get_state_display())

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, delivery: Delivery) -> str:
        return "" if delivery.state == Delivery.State.ACCEPTED else delivery.get_reason_display()

    @admin.display(description=_("client"))
    def client_name(self, delivery: Delivery) -> str:
        return delivery.client.full_name if delivery.client else "—"
