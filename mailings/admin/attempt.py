"""Attempts: every try with the mail server's answer, read-only."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ScopedRelatedFilter, badge, time_column, two_lines
from accounts.moment import exactly
from mailings.admin.base import RecordAdmin
from mailings.models import Attempt, Client


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin):
    list_display = ("made", "recipient", "run", "outcome_badge", "short_answer")
    list_display_links = ("made",)
    empty_text = _("Every try to hand a letter to the mail server is written down here, with its answer.")
    list_filter = ("outcome", "reason", ("run", ScopedRelatedFilter))
    list_select_related = ("delivery__client", "run__mailing")
    search_fields = ("delivery__address",)
    search_help_text = _("Address")
    fields = (
        "made", "run", "delivery", "address", "client", "outcome_badge", "reason",
        "stage", "code", "enhanced_code", "answer",
    )  # fmt: skip
    readonly_fields = fields

    made = time_column("made_at", _("made at"), exactly)

    @admin.display(description=_("recipient"), ordering="delivery__address")
    def recipient(self, attempt: Attempt) -> SafeString:
        client = attempt.delivery.client
        return two_lines(attempt.delivery, client.full_name if client else "")

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_badge(self, attempt: Attempt) -> SafeString:
        why = "" if attempt.outcome == Attempt.Outcome.ACCEPTED else attempt.get_reason_display()
        return two_lines(badge(attempt.outcome, attempt.get_outcome_display()), why if attempt.reason else "")

    @admin.display(description=_("address"))
    def address(self, attempt: Attempt) -> str:
        return str(attempt.delivery)

    @admin.display(description=_("client"))
    def client(self, attempt: Attempt) -> Client | None:
        return attempt.delivery.client

    @admin.display(description=_("the server's answer"))
    def short_answer(self, attempt: Attempt) -> str:
        return " ".join(filter(None, (str(attempt.code or ""), attempt.answer[:120])))
