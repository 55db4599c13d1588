"""Messages: subject, text, HTML and attachments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from mailings import acts, operations
from mailings.admin.base import OwnedForm
from mailings.admin.message_preview import DRAFT_FIELDS, PreviewedAdmin, as_letter_page, chosen_client, placeholders
from mailings.models import Attachment, Mailing, Message, Reason
from mailings.models.address import normalise_address
from mailings.operations import NotPossible
from mailings.sending.smtp import Result
from mailings.sending.verdict import Outcome


class MessageForm(OwnedForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.has_been_sent:
            # Not disabled: what stands there is to be read, scrolled and copied.
            for field in self.fields.values():
                field.widget.attrs["readonly"] = True
        for name in ("text", "html"):
            if name in self.fields:
                self.fields[name].widget.attrs |= {"rows": 12, "spellcheck": str(name == "text").lower()}
        if "html" in self.fields and not self.instance.has_been_sent:
            self.fields["html"].help_text = _(
                "Optional. Without it the letter goes out as plain text. Tab indents; Esc, then Tab leaves the field."
            )

    def clean(self) -> dict[str, Any]:
        """:raises ValidationError: it has been sent, perhaps since the form was opened."""
        if self.instance.has_been_sent:
            raise ValidationError(_("It has been sent and cannot be changed any more. Copy it, and change the copy."))
        return super().clean() or {}


class TestLetterForm(forms.Form):
    address = forms.CharField(max_length=254)

    def clean_address(self) -> str:
        return normalise_address(self.cleaned_data["address"])


class AttachmentInline(admin.TabularInline):
    model = Attachment
    fields = ("file", "name")
    extra = 0
    max_num = 10

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.of_message(request, "view", obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request, obj)

    def may_change(self, request: HttpRequest, obj: Message | None) -> bool:
        return self.of_message(request, "change", obj) and not (obj and obj.has_been_sent)

    def of_message(self, request: HttpRequest, action: str, obj: Message | None) -> bool:
        """Whoever may change the message may change what is attached to it."""
        name = f"mailings.{action}_message"
        return request.user.has_perm(name, obj) if obj else request.user.has_perm(name)


@admin.register(Message)
class MessageAdmin(PreviewedAdmin):
    form = MessageForm
    list_display = ("subject", "has_html", "updated_at")
    search_fields = ("subject",)
    search_help_text = _("Subject")
    fields = ("subject", "text", "html", ("created_at", "updated_at"))
    readonly_fields = ("created_at", "updated_at")
    inlines = (AttachmentInline,)
    change_form_template = "admin/mailings/message/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/test/", view(self.test_view), name="mailings_message_test"),
            path("<int:pk>/copy/", view(self.copy_view), name="mailings_message_copy"),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description=_("HTML"), boolean=True)
    def has_html(self, message: Message) -> bool:
        return bool(message.html)

    # --- The form and what stands below it

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else DRAFT_FIELDS

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        message = self.get_object(request, object_id) if object_id else Message(owner=person(request))
        if message is not None:
            extra_context = {**(extra_context or {}), **self.panels(request, message), **self.state(request, message)}
        return as_letter_page(super().changeform_view(request, object_id, form_url, extra_context))

    def panels(self, request: HttpRequest, message: Message) -> dict[str, Any]:
        return super().panels(request, message) | {
            "may_test": bool(message.pk) and self.may_use(request, message),
            "test_address": person(request).email,
        }

    def state(self, request: HttpRequest, message: Message) -> dict[str, Any]:
        """Say whether it is frozen, and since which mailing, if that may be seen."""
        sent = message.has_been_sent
        mailings = Mailing.objects.visible_to(person(request)).filter(message_id=message.pk, runs__isnull=False)
        return {
            "has_been_sent": sent,
            "sent_with": mailings.order_by("-pk").first() if sent else None,
            "may_copy": bool(message.pk) and self.has_add_permission(request) and self.may_use(request, message),
            "placeholders": [] if sent else placeholders(message.owner),
        }

    def may_use(self, request: HttpRequest, message: Message) -> bool:
        return bool(Message.objects.usable_by(person(request)).filter(pk=message.pk).exists())

    # --- Acts

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self.own_or_404(request, pk)
        if request.method != "POST":
            raise Http404
        if not self.may_use(request, message):
            raise PermissionDenied
        form = TestLetterForm(request.POST)
        if form.is_valid():
            self.send_test(request, message, form.cleaned_data["address"])
        else:
            self.message_user(request, " ".join(map(str, form.errors["address"])), messages.ERROR)
        back = "change" if "from_form" in request.POST else "preview"
        query = f"?{request.GET.urlencode()}" if request.GET and back == "preview" else ""
        return HttpResponseRedirect(reverse(f"admin:mailings_message_{back}", args=[pk]) + query)

    def send_test(self, request: HttpRequest, message: Message, address: str) -> None:
        client = chosen_client(request, message, person(request))
        try:
            result = operations.send_test(message, client, address, person(request))
        except NotPossible as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        is_accepted = result.outcome == Outcome.ACCEPTED
        self.message_user(request, in_words(result, address), messages.SUCCESS if is_accepted else messages.ERROR)

    def copy_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self.own_or_404(request, pk)
        if request.method != "POST" or not self.has_add_permission(request):
            raise Http404
        try:
            made = operations.copy_message(message, person(request))
        except NotPossible as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:mailings_message_change", args=[pk]))
        self.log_addition(request, made, acts.COPIED(title=message.subject))
        self.message_user(request, gettext("This is the copy. It can be changed."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:mailings_message_change", args=[made.pk]))


def in_words(result: Result, address: str) -> str:
    """Tell what the mail server said to a test letter."""
    if result.outcome == Outcome.ACCEPTED:
        return gettext("The mail server has accepted the test letter for %(address)s.") % {"address": address}
    sentence = gettext("The test letter was not accepted: %(why)s.") % {"why": Reason(result.reason).label}
    if not result.answer:
        return sentence
    answer = f"{result.code} {result.answer}" if result.code else result.answer
    return f"{sentence} {gettext('The mail server says: %(answer)s') % {'answer': answer}}"
