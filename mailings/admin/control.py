"""Confirmation pages: one for a button on a mailing, the same for an action on selected ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts.access import person
from mailings import acts, operations
from mailings.admin.forecast import Forecast
from mailings.admin.message_preview import as_letter_page
from mailings.admin.report import latest
from mailings.admin.uses import UsesAdmin
from mailings.admin.verb import VERBS, Verb
from mailings.models import Attempt, Mailing, Worker
from mailings.operations import NotPossible, rate


class ControlledAdmin(UsesAdmin):
    """The verbs of a mailing as URLs, buttons and actions, with the same rights on every way."""

    actions = (*VERBS, *UsesAdmin.actions)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<int:pk>/{verb.name}/",
                self.admin_site.admin_view(self.verb_view),
                {"name": verb.name},
                name=f"mailings_mailing_{verb.name}",
            )
            for verb in VERBS.values()
        ]
        copy = path("<int:pk>/copy/", self.admin_site.admin_view(self.copy_view), name="mailings_mailing_copy")
        progress = path(
            "<int:pk>/progress.json", self.admin_site.admin_view(self.progress_view), name="mailings_mailing_progress"
        )
        return [*own, copy, progress, *super().get_urls()]

    # --- Rights

    def has_control_permission(self, request: HttpRequest, obj: Mailing | None = None) -> bool:
        return self.may(request, "change", obj)

    def has_switch_off_permission(self, request: HttpRequest, obj: Mailing | None = None) -> bool:
        """One's own mailing, or anybody's for those who hold the permission to switch off."""
        return request.user.has_perm("mailings.switch_off_mailing") or self.may(request, "change", obj)

    def permits(self, request: HttpRequest, verb: Verb, mailing: Mailing) -> bool:
        test = self.has_switch_off_permission if verb.needs == "switch_off" else self.has_control_permission
        return test(request, mailing)

    # --- Pages

    def verb_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        mailing, verb = self.own_or_404(request, pk), VERBS[name]
        if not self.permits(request, verb, mailing):
            raise PermissionDenied
        back = reverse("admin:mailings_mailing_change", args=[pk])
        if request.method == "POST" and self.is_confirmed(request, verb, [mailing]):
            self.act(request, verb, [mailing])
            return HttpResponseRedirect(back)
        return self.confirm(request, verb, [mailing], back, [])

    def act_on_selected(self, request: HttpRequest, verb: Verb, queryset: QuerySet[Mailing]) -> HttpResponse | None:
        mailings = list(queryset.select_related("owner", "message"))
        if self.is_confirmed(request, verb, mailings):
            self.act(request, verb, mailings)
            return None
        selected = request.POST.getlist("_selected_action")
        hidden = [
            ("action", verb.name),
            ("index", "0"),
            ("select_across", request.POST.get("select_across", "0")),
            *(("_selected_action", pk) for pk in selected),
        ]
        return self.confirm(request, verb, mailings, request.get_full_path(), hidden)

    def forecast(self, request: HttpRequest, verb: Verb, mailing: Mailing) -> Forecast:
        if not self.permits(request, verb, mailing):
            return Forecast(gettext("Not possible: it is not yours."), is_possible=False)
        return verb.forecast(mailing)

    def is_confirmed(self, request: HttpRequest, verb: Verb, mailings: list[Mailing]) -> bool:
        """Take a yes only for the number that was on the button; if it has changed since, ask again."""
        if "confirm" not in request.POST:
            return False
        now = sum(self.forecast(request, verb, mailing).count for mailing in mailings)
        if verb.name != "launch" or request.POST.get("count") == str(now):
            return True
        self.message_user(request, gettext("The number of recipients has changed. Look again."), messages.WARNING)
        return False

    def confirm(
        self, request: HttpRequest, verb: Verb, mailings: list[Mailing], back: str, hidden: list[tuple[str, str]]
    ) -> HttpResponse:
        forecasts = [(mailing, self.forecast(request, verb, mailing)) for mailing in mailings]
        count = sum(forecast.count for _mailing, forecast in forecasts)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(verb.label).rstrip("…"),
            "question": verb.question,
            "rows": [row_of(verb, mailing, forecast, len(mailings)) for mailing, forecast in forecasts],
            "button": verb.button(count),
            "is_dangerous": verb.is_dangerous,
            "asks_reason": verb.asks_reason,
            "hidden": [*hidden, ("confirm", "1"), ("count", str(count))],
            "back_url": back,
            "may_proceed": any(forecast.is_possible for _mailing, forecast in forecasts),
        }
        return as_letter_page(TemplateResponse(request, "admin/mailings/mailing/confirm.html", context))

    def act(self, request: HttpRequest, verb: Verb, mailings: list[Mailing]) -> None:
        """Do it to each one that may be done, say what happened to each, and write it in the journal."""
        reason = request.POST.get("reason", "")[:500]
        for mailing in mailings:
            if not self.permits(request, verb, mailing):
                self.message_user(request, f"{mailing}: {gettext('Not possible: it is not yours.')}", messages.ERROR)
                continue
            try:
                line = verb.act(request, mailing, reason)
            except NotPossible as error:
                self.message_user(request, f"{mailing}: {error}", messages.WARNING)
                continue
            self.log(request, mailing, line)
            self.message_user(request, f"{mailing}: {line}", messages.SUCCESS)

    def progress_view(self, request: HttpRequest, pk: int) -> JsonResponse:
        """Answer a mailing's open page: the sums of its last run and the newest attempts."""
        mailing = self.own_or_404(request, pk)
        run = rate.with_pace(mailing.runs.select_related("mailing")).order_by("-pk").first()
        attempts = Attempt.objects.visible_to(person(request)).filter(run=run) if run else Attempt.objects.none()
        now = timezone.now()
        return JsonResponse(
            {
                "status": mailing.status,
                "is_soon": mailing.next_send_at is not None and mailing.next_send_at - now < timedelta(minutes=1),
                "running": [operations.progress(run)] if run else [],
                "latest": latest(attempts),
                "is_worker_silent": Worker.objects.are_silent(now),
            }
        )

    def copy_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        mailing = self.own_or_404(request, pk)
        if request.method != "POST" or not self.has_add_permission(request):
            raise Http404
        try:
            made = operations.copy(mailing, person(request))
        except NotPossible as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:mailings_mailing_change", args=[pk]))
        self.log_addition(request, made, acts.COPIED(title=mailing.title))
        self.message_user(request, gettext("This is the copy. Check its window."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:mailings_mailing_change", args=[made.pk]))


def row_of(verb: Verb, mailing: Mailing, forecast: Forecast, count: int) -> dict[str, Any]:
    """Put down what the confirmation says of one mailing; letters are shown where it is the only one."""
    evidence = verb.evidence(mailing) if verb.evidence and forecast.is_possible else None
    return {
        "name": mailing.title,
        "outcome": forecast.outcome,
        "is_possible": forecast.is_possible,
        "left_out": forecast.left_out,
        "warnings": [*forecast.warnings, *(evidence.warnings if evidence else ())],
        "letters": evidence.letters() if evidence and count == 1 else [],
    }


def make_action(verb: Verb) -> Any:
    """Turn a verb into a method that Django's admin takes for an action."""

    def action(self: ControlledAdmin, request: HttpRequest, queryset: QuerySet[Mailing]) -> HttpResponse | None:
        return self.act_on_selected(request, verb, queryset)

    action.short_description = verb.label  # type: ignore[attr-defined]
    action.allowed_permissions = [verb.needs]  # type: ignore[attr-defined]
    return action


for _verb in VERBS.values():
    setattr(ControlledAdmin, _verb.name, make_action(_verb))
