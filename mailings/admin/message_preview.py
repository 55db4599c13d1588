"""Looking at a message as a client: a page of its own, and the same panels under the form while it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from accounts.models import User
from mailings.admin.access import SharedAdmin
from mailings.models import Client, Message
from mailings.models.placeholder import NAMES, written
from mailings.operations import checklist, reader
from mailings.operations.checklist import Check, Level, bare_keys
from mailings.operations.preview import Preview, contents, letters_of, preview

SHOWS: dict[str, Promise] = {"html": _("HTML"), "text": _("Text"), "phone": _("Telephone"), "raw": _("Raw letter")}
PANELS = "admin/mailings/message/panels.html"
# A letter with its attachments may be megabytes; whoever wants all of it takes the file.
RAW_SHOWN = 20_000
DRAFT_FIELDS = ("subject", "text", "html")


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: the message, as whom, and in what form; `address` is the page that shows it."""

    message: Message
    client: Client
    show: str
    by: User

    @property
    def address(self) -> str:
        name = "admin:mailings_message_preview"
        return reverse(name, args=[self.message.pk]) if self.message.pk else ""

    def link(self, **changes: Any) -> str:
        values = {"client": self.client.pk or "", "show": self.show} | changes
        return f"{self.address}?{urlencode({name: value for name, value in values.items() if value})}"


class PreviewedAdmin(SharedAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/preview/", view(self.preview_view), name="mailings_message_preview"),
            path("<int:pk>/letter/", view(self.letter_view), name="mailings_message_letter"),
            path("<int:pk>/draft/", view(self.draft_view), name="mailings_message_draft"),
            path("draft/", view(self.new_draft_view), name="mailings_message_new_draft"),
        ]
        return [*own, *super().get_urls()]

    def own_or_404(self, request: HttpRequest, pk: int) -> Message:
        """:raises Http404: there is no such message, or this person may not see it: the same answer for both."""
        message: Message | None = self.get_object(request, str(pk))
        if message is None or not self.has_view_permission(request, message):
            raise Http404
        return message

    # --- Pages

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = self.own_or_404(request, pk)
        context = {
            **self.admin_site.each_context(request),
            **self.panels(request, message),
            "opts": self.opts,
            "title": gettext("Preview"),
            "original": message,
        }
        return as_letter_page(TemplateResponse(request, "admin/mailings/message/preview.html", context))

    def letter_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the whole letter as a file that mail programs open.

        :raises Http404: it cannot be made, or its attachments are lost.
        """
        message = self.own_or_404(request, pk)
        look = self.look(request, message)
        try:
            letter = preview(letters_of(contents(message, with_files=True), message.owner), look.client)
        except (ValueError, OSError) as error:
            raise Http404 from error
        headers = {"Content-Disposition": f'attachment; filename="letter-{pk}.eml"'}
        return HttpResponse(letter.raw, content_type="message/rfc822", headers=headers)

    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.drawn(request, self.own_or_404(request, pk))

    def new_draft_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise Http404
        return self.drawn(request, Message(owner=person(request)))

    def drawn(self, request: HttpRequest, message: Message) -> HttpResponse:
        """Draw the panels for what stands in the form now; nothing is saved.

        :raises Http404: it was not posted.
        """
        if request.method != "POST":
            raise Http404
        for name in DRAFT_FIELDS:
            if name in request.POST:
                # PostgreSQL, which is asked for the names of attributes, has no NUL.
                setattr(message, name, request.POST[name].replace("\x00", ""))
        return JsonResponse({"panels": render_to_string(PANELS, self.panels(request, message), request)})

    # --- What they show

    def panels(self, request: HttpRequest, message: Message) -> dict[str, Any]:
        look = self.look(request, message)
        letter = letter_for(look)
        clients = reader.readers(look.by)
        is_empty = not (message.text.strip() or message.html.strip())
        return {
            "look": look,
            "letter": letter,
            "is_empty": is_empty,
            "reads_as": str(look.client),
            "readers": self.links(look) if look.client.pk else [],
            "shows": [
                {"name": name, "label": label, "url": look.link(show=name), "is_on": name == look.show}
                for name, label in SHOWS.items()
                if name != "raw" or message.pk
            ],
            "raw": letter.raw[:RAW_SHOWN].decode("ascii", "replace") if letter else "",
            "is_cut": bool(letter and len(letter.raw) > RAW_SHOWN),
            "files": list(message.attachments.all()) if message.pk else [],
            "checks": [] if is_empty else found(message, reader.newest(clients), letter),
        }

    def look(self, request: HttpRequest, message: Message) -> Look:
        by = person(request)
        show = request.GET.get("show", "")
        if show not in SHOWS:
            show = "html" if message.html.strip() or not message.pk else "text"
        return Look(message, chosen_client(request, message, by), show, by)

    def links(self, look: Look) -> list[dict[str, Any]]:
        before, after = reader.neighbours(reader.readers(look.by), look.client)
        return [
            {"name": "before", "label": pgettext("client", "Previous"), "url": before and look.link(client=before)},
            {"name": "after", "label": pgettext("client", "Next"), "url": after and look.link(client=after)},
            {"name": "longest", "label": gettext("The longest name"), "url": look.link(who="longest")},
            {"name": "lacking", "label": gettext("Lacks a value"), "url": look.link(who="lacking")},
        ]


def as_letter_page(response: HttpResponse) -> HttpResponse:
    """Let letters on this page have their own styles; see LETTER_PAGE_POLICY."""
    response["Content-Security-Policy"] = settings.LETTER_PAGE_POLICY
    return response


def chosen_client(request: HttpRequest, message: Message, by: User) -> Client:
    """Find the client that the address asks for among those whom this person may use, or the newest of them."""
    clients = reader.readers(by)
    asked = request.GET.get("client", "")
    number = int(asked) if asked.isdecimal() and len(asked) < 18 else 0
    who = request.GET.get("who", "")
    found = None
    if who == "longest":
        found = reader.longest(clients)
    elif who == "lacking":
        found = reader.next_lacking(clients, keys_of(message), number)
    return found or clients.filter(pk=number).first() or clients.first() or reader.example()


def keys_of(message: Message) -> frozenset[str]:
    try:
        return bare_keys(message)
    except ValueError:
        return frozenset()


def letter_for(look: Look) -> Preview | None:
    """Make the letter, if one can be made; why not is the checklist's to say."""
    message = look.message
    try:
        return preview(letters_of(contents(message), message.owner), look.client)
    except ValueError:
        return None


def found(message: Message, clients: QuerySet[Client], letter: Preview | None) -> list[dict[str, Any]]:
    """List what the checklist says, what is wrong first."""
    marks = {Level.FAULT: ("✕", gettext("Wrong")), Level.WARNING: ("!", gettext("Note")), Level.GOOD: ("✓", "")}
    order = list(marks)
    checks: list[Check] = sorted(checklist(message, clients, letter), key=lambda check: order.index(check.level))
    return [{"check": check, "mark": marks[check.level][0], "word": marks[check.level][1]} for check in checks]


def placeholders(owner: User) -> list[str]:
    """List what the buttons beside the fields insert."""
    return [written(key) for key in (*NAMES, *reader.attribute_names(owner))]
