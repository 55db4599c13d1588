"""Attempts: every try with the mail server's answer, read-only."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ScopedRelatedFilter, badge
from mailings.admin.base import RecordAdmin
from mailings.models import Attempt, Client


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin):
    list_display = ("made_at", "address", "client", "run", "outcome_badge", "why", "code", "short_answer")
    list_display_links = ("made_at",)
    list_filter = ("outcome", "reason", ("run", ScopedRelatedFilter))
    list_select_related = ("delivery__client", "run__mailing")
    search_fields = ("delivery__address",)
    search_help_text = _("Address")
    fields = (
        "made_at", "run", "delivery", "address", "client", "outcome", "reason",
        "stage", "code", "enhanced_code", "answer",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_badge(self, attempt: Attempt) -> SafeString:
        return badge(attempt.outcome, attempt.get_outcome_display())

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, attempt: Attempt) -> str:
        return "" if attempt.outcome == Attempt.Outcome.ACCEPTED else attempt.get_reason_display()

    @admin.display(description=_("address"))
    def address(self, attempt: Attempt) -> str:
        return str(attempt.delivery)

    @admin.display(description=_("client"))
    def client(self, attempt: Attempt) -> Client | None:
        return attempt.delivery.client

    @admin.display(description=_("the server's answer"))
    def short_answer(self, attempt: Attempt) -> str:
        return attempt.answer[:120]
