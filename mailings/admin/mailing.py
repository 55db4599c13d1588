"""Mailings: what goes to whom and when, and how it is going."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import badge
from accounts.moment import when
from mailings.admin.base import OwnedForm
from mailings.admin.control import ControlledAdmin
from mailings.admin.verb import VERBS
from mailings.models import Mailing, Run
from mailings.operations import progress

SINGLE_CLIENTS_LIMIT = 200
RECIPIENTS = ("lists", "clients", "excluded_lists")
WINDOW = ("first_send_at", "finish_send_at", "rhythm")


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
    list_display = ("title", "state", "progress", "first_send_at", "finish_send_at", "rhythm")
    list_filter = ("status", "rhythm")
    search_fields = ("title", "message__subject")
    search_help_text = _("Title or subject")
    list_select_related = ("message",)
    autocomplete_fields = ("message", *RECIPIENTS)
    fieldsets = (
        (_("What"), {"fields": ("title", "message")}),
        (_("To whom"), {"fields": RECIPIENTS}),
        (_("When"), {"fields": WINDOW}),
    )
    change_form_template = "admin/mailings/mailing/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        last = Run.objects.filter(mailing=OuterRef("pk")).order_by("-pk")
        sums = {f"last_{name}": Subquery(last.values(name)[:1]) for name in ("total", "accepted", "refused", "unknown")}
        rows: QuerySet[Any] = super().get_queryset(request).annotate(**sums)
        return rows

    @admin.display(description=_("status"), ordering="status")
    def state(self, mailing: Mailing) -> SafeString:
        return badge(mailing.status, mailing.get_status_display())

    @admin.display(description=_("progress"))
    def progress(self, mailing: Any) -> str:
        if mailing.last_total is None:
            return "—"
        text = gettext("%(accepted)s of %(total)s accepted") % {
            "accepted": mailing.last_accepted,
            "total": mailing.last_total,
        }
        failed = mailing.last_refused + mailing.last_unknown
        if not failed:
            return text
        return text + ", " + gettext("failed: %(n)s") % {"n": failed}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Freeze what has started: the promise about whom and when was made at the launch."""
        if obj is None or obj.is_editable:
            return ()
        return ("title", "message", *RECIPIENTS, *WINDOW)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.status == Mailing.Status.SCHEDULED:
            due = obj.due_after(timezone.now()) if obj.runs.exists() else obj.first_send_at
            Mailing.objects.filter(pk=obj.pk, status=Mailing.Status.SCHEDULED).update(next_send_at=due)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        mailing = self.get_object(request, object_id)
        panel = self.panel(request, mailing) if mailing and self.has_view_permission(request, mailing) else None
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "panel": panel})

    def panel(self, request: HttpRequest, mailing: Mailing) -> dict[str, Any]:
        """Collect what stands above the form: the state in words, the sums of the last run, what can be done."""
        run = mailing.runs.order_by("-pk").first()
        possible = [
            verb
            for verb in VERBS.values()
            if self.permits(request, verb, mailing) and verb.forecast(mailing).is_possible
        ]
        return {
            "status": mailing.status,
            "status_label": mailing.get_status_display(),
            "explanation": explanation(mailing, run),
            "run": progress(run) if run else None,
            "running_url": reverse("admin:running"),
            "buttons": [
                {
                    "url": reverse(f"admin:mailings_mailing_{verb.name}", args=[mailing.pk]),
                    "label": verb.label,
                    "style": "danger" if verb.is_dangerous else "primary",
                }
                for verb in possible
            ],
            "copy_url": reverse("admin:mailings_mailing_copy", args=[mailing.pk])
            if self.has_add_permission(request)
            else "",
            "links": self.links(mailing, run),
        }

    def links(self, mailing: Mailing, run: Run | None) -> list[dict[str, Any]]:
        if run is None:
            return []
        of_run = f"?run__id__exact={run.pk}"
        return [
            {"url": reverse("admin:mailings_delivery_changelist") + of_run, "label": _("Deliveries")},
            {"url": reverse("admin:mailings_attempt_changelist") + of_run, "label": _("Attempts")},
            {"url": f"{reverse('admin:mailings_run_changelist')}?q={mailing.title}", "label": _("Runs")},
        ]


def explanation(mailing: Mailing, run: Run | None) -> str:
    """Say in a sentence why the mailing stands where it stands."""
    writers = {
        Mailing.Status.SCHEDULED: explain_schedule,
        Mailing.Status.PAUSED: explain_pause,
        Mailing.Status.SWITCHED_OFF: explain_switch_off,
    }
    writer = writers.get(Mailing.Status(mailing.status))
    return writer(mailing) if writer else explain_end(mailing, run)


def explain_schedule(mailing: Mailing) -> str:
    return gettext("Starts at %(time)s.") % {"time": when(mailing.next_send_at)} if mailing.next_send_at else ""


def explain_pause(mailing: Mailing) -> str:
    parts = [f"{capfirst(mailing.get_pause_reason_display())}.", mailing.pause_detail]
    if mailing.resume_at:
        parts.append(gettext("Resumes by itself at %(time)s.") % {"time": when(mailing.resume_at)})
    return " ".join(filter(None, parts))


def explain_switch_off(mailing: Mailing) -> str:
    values = {
        "who": mailing.switched_off_by,
        "time": when(mailing.switched_off_at),
        "why": mailing.switched_off_reason,
    }
    return (gettext("By %(who)s at %(time)s. %(why)s") % values).strip()


def explain_end(mailing: Mailing, run: Run | None) -> str:
    if mailing.status != Mailing.Status.COMPLETED:
        return ""
    if run is None:
        return gettext("Its window ended before it was launched.")
    missed = run.total - run.accepted
    text = ngettext("%(n)s recipient did not get it.", "%(n)s recipients did not get it.", missed)
    return text % {"n": missed} if missed else gettext("The mail server accepted it for everybody.")
