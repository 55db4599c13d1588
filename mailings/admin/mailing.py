"""Mailings: what goes to whom and when, and how it is going."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from accounts.admin.base import badge, time_column, two_lines
from accounts.moment import from_now, when
from mailings.admin.base import OwnedForm
from mailings.admin.control import ControlledAdmin
from mailings.admin.report import report
from mailings.admin.uses import RECIPIENTS_SHOWN, subjects_of
from mailings.admin.verb import VERBS
from mailings.models import Mailing, Rhythm, Run
from mailings.operations import rate, summary

SINGLE_CLIENTS_LIMIT = 200
RECIPIENTS = ("lists", "clients", "excluded_lists")
WINDOW = ("first_send_at", "finish_send_at", "rhythm")
FROZEN_WINDOW = ("first", "last", "rhythm")


class MailingForm(OwnedForm):
    def clean_clients(self) -> Any:
        """:raises ValidationError: more single clients than a form can show."""
        clients = self.cleaned_data["clients"]
        if len(clients) > SINGLE_CLIENTS_LIMIT:
            raise ValidationError(
                _("At most %(n)s single clients; make a list for more."), params={"n": SINGLE_CLIENTS_LIMIT}
            )
        return clients

    def clean(self) -> dict[str, Any]:
        """:raises ValidationError: it has started since the form was opened, or nobody would get it."""
        cleaned = super().clean() or {}
        if self.instance.pk and not Mailing.objects.filter(pk=self.instance.pk, status__in=Mailing.EDITABLE).exists():
            raise ValidationError(_("It has started in the meantime and cannot be changed any more."))
        if not self.errors and not cleaned.get("lists") and not cleaned.get("clients"):
            self.add_error("lists", _("Choose at least one client list, or single clients below."))
        return cleaned


@admin.register(Mailing)
class MailingAdmin(ControlledAdmin):
    form = MailingForm
    list_display = ("name", "state", "progress", "when")
    list_filter = ("status", "rhythm")
    search_fields = ("title",)
    search_help_text = _("Title or subject")
    list_select_related = ("message",)
    autocomplete_fields = ("message", *RECIPIENTS)
    fieldsets = (
        (_("What"), {"fields": ("title", "message")}),
        (_("To whom"), {"fields": RECIPIENTS}),
        (_("When"), {"fields": WINDOW}),
    )
    change_form_template = "admin/mailings/mailing/change_form.html"
    change_list_template = "admin/mailings/mailing/change_list.html"
    legend = (
        (Mailing.Status.CREATED, _("A draft: nothing leaves until somebody launches it.")),
        (Mailing.Status.SCHEDULED, _("Starts by itself at the time it shows.")),
        (Mailing.Status.RUNNING, _("Letters are leaving.")),
        (Mailing.Status.PAUSED, _("Nothing leaves until it is resumed; its page says why it stands still.")),
        (Mailing.Status.COMPLETED, _("Nobody waits any more: everybody was tried, or the window has ended.")),
        (Mailing.Status.SWITCHED_OFF, _("Ended for good by somebody; it can only be copied.")),
    )
    empty_text = _("A mailing sends a message to your client lists, by your hand or at a time you set.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        last = Run.objects.filter(mailing=OuterRef("pk")).order_by("-pk").values("pk")[:1]
        rows: QuerySet[Any] = super().get_queryset(request).annotate(last_run=Subquery(last))
        return rows

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Fetch the last runs of the page's mailings at once."""
        page = super().get_changelist_instance(request)
        mailings = list(page.result_list)
        runs = Run.objects.filter(pk__in=[mailing.last_run for mailing in mailings]).select_related("mailing")
        found = {run.pk: run for run in rate.with_pace(runs)}
        subjects = subjects_of(request, mailings)
        for mailing in mailings:
            mailing.run, mailing.subject = found.get(mailing.last_run), subjects[mailing.pk]
        page.result_list = mailings
        return page

    @admin.display(description=_("mailing"), ordering="title")
    def name(self, mailing: Any) -> SafeString:
        return two_lines(mailing.title, mailing.subject)

    @admin.display(description=_("status"), ordering="status")
    def state(self, mailing: Mailing) -> SafeString:
        rhythm = "" if mailing.rhythm == Rhythm.ONCE else mailing.get_rhythm_display()
        return two_lines(badge(mailing.status, mailing.get_status_display()), rhythm)

    @admin.display(description=_("progress"))
    def progress(self, mailing: Any) -> str:
        if mailing.run is None:
            return "—"
        context = {"run": summary.progress(mailing.run), "has_title": False}
        return render_to_string("admin/mailings/mailing/progress.html", context)

    @admin.display(description=_("when"), ordering="first_send_at")
    def when(self, mailing: Mailing) -> SafeString:
        """Give the moment that matters now: the next start, else the window."""
        if mailing.status == Mailing.Status.SCHEDULED and mailing.next_send_at:
            return two_lines(when(mailing.next_send_at), from_now(mailing.next_send_at))
        return two_lines(
            when(mailing.first_send_at), gettext("until %(time)s") % {"time": when(mailing.finish_send_at)}
        )

    first = time_column("first_send_at", _("first send at"))
    last = time_column("finish_send_at", _("finish send at"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.is_open(request, obj):
            return super().get_fieldsets(request, obj)
        return (
            (_("What"), {"fields": ("title", "message_shown")}),
            (_("To whom"), {"fields": RECIPIENTS_SHOWN}),
            (_("When"), {"fields": FROZEN_WINDOW}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Freeze what has started: the promise about whom and when was made at the launch."""
        if self.is_open(request, obj):
            return ()
        return ("title", "message_shown", *RECIPIENTS_SHOWN, *FROZEN_WINDOW)

    def is_open(self, request: HttpRequest, obj: Mailing | None) -> bool:
        return obj is None or (obj.is_editable and self.has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.status == Mailing.Status.SCHEDULED:
            due = obj.due_after(timezone.now()) if obj.runs.exists() else obj.first_send_at
            Mailing.objects.filter(pk=obj.pk, status=Mailing.Status.SCHEDULED).update(next_send_at=due)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        mailing = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if mailing is not None and self.has_view_permission(request, mailing):
            context["report"] = report(person(request), mailing) | self.buttons(request, mailing)
        return super().change_view(request, object_id, form_url, context)

    def buttons(self, request: HttpRequest, mailing: Mailing) -> dict[str, Any]:
        """Offer what is possible now and permitted to this person."""
        possible = [
            verb
            for verb in VERBS.values()
            if self.permits(request, verb, mailing) and verb.forecast(mailing).is_possible
        ]
        copy_url = reverse("admin:mailings_mailing_copy", args=[mailing.pk])
        return {
            "buttons": [
                {
                    "url": reverse(f"admin:mailings_mailing_{verb.name}", args=[mailing.pk]),
                    "label": verb.label,
                    "style": "danger" if verb.is_dangerous else "primary",
                }
                for verb in possible
            ],
            "copy_url": copy_url if self.has_add_permission(request) else "",
        }
