"""A world with rows of every kind, every address of the admin filled with its ids, and what the database holds."""

import re
from collections import Counter
from datetime import timedelta
from http.cookies import SimpleCookie

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile
from django.db.models import F, Q
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import URLPattern, get_resolver
from django.utils import timezone
from guardian.shortcuts import assign_perm

from accounts.access import Owned
from accounts.models import User
from mailings.models import (
    Attachment,
    Attempt,
    Claim,
    Delivery,
    HourlyCounter,
    ImportedRow,
    ImportJob,
    Level,
    Mailing,
    MessageAwaitedGrant,
    RejectedRow,
    Run,
    Suppression,
)
from mailings.tests.factories import make_client, make_list, make_mailing, make_manager, make_message, make_user

NEEDLE = "zqneedle"
# What the third owner shares with a colleague, and what he keeps.
OPEN, CLOSED = "zqopen", "zqclosed"
# A search is repeated on the page that answers it, so what is asked for is never the whole needle.
PART = NEEDLE[:-2]
ENORMOUS = "9" * 30


# --- The world -------------------------------------------------------------------------------------------------------


class World:
    """Two owners with rows of every model, the first one's texts full of needles, and everybody who might look."""

    def __init__(self):
        self.alice = make_user(f"{NEEDLE}@staff.example", full_name=NEEDLE, blocked_reason=NEEDLE)
        self.bob = make_user("bob@staff.example")
        self.manager = make_manager("manager@staff.example")
        self.roleless = make_user("roleless@staff.example", role=None)
        self.blocked = make_user("blocked@staff.example", is_active=False, blocked_at=timezone.now())
        fill(self.alice, NEEDLE)
        fill(self.bob, "plain")
        assign_perm("view_message", self.blocked, self.one(self.alice, "mailings.message"))
        MessageAwaitedGrant.objects.create(
            content_object=self.one(self.alice, "mailings.message"), address=f"{NEEDLE}@new.example", level="view"
        )
        self.dora, self.carol = make_user("dora@staff.example"), make_user("carol@staff.example")
        before = snapshot().keys()
        share(self.dora, self.carol)
        # What she may change or send, so that it and its runs and deliveries change.
        changeable = ("Message", "ClientList", "Mailing", "Run", "Delivery")
        self.shared = {key for key in snapshot().keys() - before if key[0] in changeable}
        fill(self.dora, CLOSED)

    def ids(self, person, label):
        """List the rows of a model that a person has, the oldest first."""
        model = apps.get_model(label)
        return list(model._base_manager.filter(only_of(model, person)).order_by("pk").values_list("pk", flat=True))

    def one(self, person, label):
        model = apps.get_model(label)
        return model._base_manager.filter(only_of(model, person)).order_by("pk").first()


def share(owner, colleague):
    """Give an owner a message, a list and two mailings, and a colleague every right that there is to share on them."""
    person = make_client(owner, f"{OPEN}@client.example", full_name=OPEN, comment=OPEN, attributes={OPEN: OPEN})
    message, named = make_message(owner, subject=OPEN, text=OPEN, html=OPEN), make_list(owner, [person], name=OPEN)
    fresh = make_mailing(owner, [person], [named], title=OPEN, message=message)
    sent = make_mailing(owner, [person], [named], title=OPEN, message=message, status="completed")
    fill_run(sent, person, OPEN)
    for obj in (message, named, fresh, sent):
        for level in Level.of(type(obj)):
            assign_perm(f"{level}_{obj._meta.model_name}", colleague, obj)


def fill(owner, word):
    """Give an owner rows of every model, with the word in each column that takes text."""
    person = make_client(
        owner, f"{word}@client.example", full_name=word, comment=word, attributes={word: word}, consent_source=word
    )
    named = make_list(owner, [person], name=word, description=word)
    message = make_message(owner, subject=word, text=word, html=word)
    Attachment.objects.create(owner=owner, message=message, name=word, file=ContentFile(b"x", f"{word}.txt"))
    # A message that a run has used is frozen: the first one has not been, so that it can be changed.
    used = make_message(owner, subject=word, text=word, html=word)
    later = timezone.now() + timedelta(hours=1)
    texts = {"title": word, "message": used, "pause_detail": word, "switched_off_reason": word}
    times = {"scheduled": {"next_send_at": later}, "paused": {"resume_at": later}}
    for status in Mailing.Status.values:
        made = make_mailing(owner, [person], [named], status=status, **texts, **times.get(status, {}))
        if status in ("running", "paused", "completed"):
            fill_run(made, person, word)
    Suppression.objects.create(owner=owner, address=f"{word}@suppressed.example")
    for status in ImportJob.Status.values:
        if status != ImportJob.Status.UNDOING:  # one import of an owner writes at a time
            fill_import(owner, named, person, word, status)
    kind = ContentType.objects.get_for_model(Mailing)
    LogEntry.objects.create(
        user=owner, content_type=kind, object_id=made.pk, object_repr=word, action_flag=CHANGE, change_message=word
    )


def fill_import(owner, named, person, word, status):
    """Make an import that waits for its columns, is checked, is under way, or ended, with rows done and left out."""
    job = ImportJob(
        owner=owner,
        client_list=named,
        status=status,
        encoding="utf-8-sig",
        delimiter=";",
        mapping=[{"header": word, "target": "email"}],
        sample=[[word]],
        preview=[{"line": 2, "kind": "new", "is_suppressed": False, "cells": [[word, word]]}],
        doubts=[{"line": 2, "value": word, "likely": word}],
        rows=2,
        progress=1,
        new=1,
        wrong=1,
        **dict.fromkeys(("file_name", "sheet", "list_name", "reason"), word),
    )
    job.file.save(f"{word}.csv", ContentFile(f"{word}\n{word}@new.example\n".encode()))
    ImportedRow.objects.create(
        job=job, client_id=person.pk, is_new=False, is_listed=False, changes={"full_name": [word, word]}
    )
    fault = {"column": word, "value": word, "reason": word}
    RejectedRow.objects.create(job=job, line=3, kind="wrong", cells=[word], faults=[fault])


UNFINISHED = {"running": ("pending", "deferred"), "paused": ("pending", "deferred")}
DECIDED = ("accepted", "refused", "unknown", "suppressed", "cancelled")


def fill_run(mailing, person, word):
    """Give a mailing a run with a delivery in every state that its status allows, each with an attempt."""
    owner, now = mailing.owner, timezone.now()
    waiting = UNFINISHED.get(mailing.status, ())
    run = Run.objects.create(
        owner=owner,
        mailing=mailing,
        trigger="by_hand",
        snapshot={"subject": word, "text": word, "html": word, "attachments": []},
        launched_by=owner,
        total=len(DECIDED) + len(waiting),
        finished_at=None if waiting else now,
        **dict.fromkeys(DECIDED, 1),
        deferred=waiting.count("deferred"),
    )
    extra = {"deferred": {"next_try_at": now + timedelta(hours=1)}}
    for state in (*DECIDED, *waiting):
        address = person.email if state == "accepted" else f"{word}.{state}@client.example"
        row = Delivery.objects.create(
            owner=owner, run=run, client=person, address=address, state=state, **extra.get(state, {})
        )
        Attempt.objects.create(
            owner=owner, run=run, delivery=row, outcome="refused", stage=word[:8], enhanced_code=word, answer=word
        )
        if (mailing.status, state) == ("running", "pending"):
            Claim.objects.create(run=run, first=row.pk, last=row.pk, mark=0, lease_until=now + timedelta(hours=1))
    HourlyCounter.objects.create(owner=owner, mailing=mailing, hour=now, accepted=1, refused=1)


# --- Who asks --------------------------------------------------------------------------------------------------------


class Visitor:
    """A browser that stays logged in whatever it asks for, and keeps count."""

    asked = Counter()

    def __init__(self, user=None):
        self.browser = Browser(raise_request_exception=False)
        if user:
            self.browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self.cookies = self.browser.cookies.output(header="", sep=";")
        self.requests = 0

    def ask(self, method, address, data=None):
        self.browser.cookies = SimpleCookie(self.cookies)
        self.requests += 1
        Visitor.asked[method] += 1
        return whole(getattr(self.browser, method)(address, data))

    def get(self, address):
        return self.ask("get", address)

    def ask_anew(self, method, address, data):
        """Ask without what earlier answers have left to be said, which the session keeps."""
        session = self.browser.session
        session.pop("_messages", None)
        session.save()
        return self.ask(method, address, data)

    def post(self, address, data):
        return self.ask("post", address, data)


def whole(response):
    """Read what is sent bit by bit, so that it can be looked at like any page."""
    if not response.streaming:
        return response
    page = HttpResponse(b"".join(response.streaming_content), status=response.status_code, headers=response.headers)
    page.wsgi_request = response.wsgi_request
    return page


def shows(response, word=NEEDLE):
    """Tell whether a word stands anywhere in an answer: body, headers, cookies, or what the next page will say."""
    places = (response.headers, response.cookies, *said(response))
    return word.encode() in response.content or any(word in str(place) for place in places)


def said(response):
    """List the messages that an answer leaves for the next page."""
    # An answer of the middleware, such as to a NUL byte, comes before there is a place for messages.
    return [str(message) for message in getattr(get_messages(response.wsgi_request), "_queued_messages", ())]


# What the policy of our pages forbids (settings.PAGE_HEADERS): a script, a style or a handler in the page itself.
FORBIDDEN = re.compile(
    rb"""<script\b(?![^>]*\ssrc=)(?![^>]*\stype="application/json")[^>]*>
       | <style\b
       | (?:href|src|action)\s*=\s*["']?\s*javascript:[^>]*>""",
    re.IGNORECASE | re.VERBOSE,
)
ATTRIBUTE = re.compile(rb"\s(?:style|on[a-z]+)\s*=", re.IGNORECASE)
TAG_WITH_ATTRIBUTE = re.compile(
    rb"""<[a-z](?:[^<>"']|"[^"]*"|'[^']*')*?\s(?:style|on[a-z]+)\s*=[^<>]*>""", re.IGNORECASE
)


def inline(response):
    """Find the first thing in a page that its own policy forbids the browser to run or to apply."""
    if not response["Content-Type"].startswith("text/html"):
        return None
    page = response.content
    # The word alone is quickly looked for; that it stands in a tag and not in a text costs a walk through every tag.
    found = FORBIDDEN.search(page) or (ATTRIBUTE.search(page) and TAG_WITH_ATTRIBUTE.search(page))
    return found and found[0].decode()


# --- Where there is something to ask ---------------------------------------------------------------------------------


def routes(patterns=None, prefix=""):
    """Walk the admin's patterns: every route with its name, its arguments still open."""
    if patterns is None:
        patterns, prefix = admin.site.get_urls(), "/admin/"
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, entry.name
        else:
            yield from routes(entry.url_patterns, route)


def every_route():
    return routes(get_resolver().url_patterns, "/")


def pages():
    """List every address that asks for no id."""
    apps_with_pages = {f"/admin/{model._meta.app_label}/" for model in admin.site._registry}
    return sorted({route for route, _name in routes() if "<" not in route and "(" not in route} | apps_with_pages)


def changelists():
    return sorted(f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry)


def row_pages(ids_of):
    """Fill every address that asks for an id, given a function from the model's label to ids."""
    for route, _name in routes():
        if "<" in route and "(" not in route:
            for pk in ids_of(".".join(route.split("/")[2:4])):
                yield re.sub(r"<(?:path:|int:)?(?:object_id|pk|id)>", str(pk), route)


def relations(*, are_forward):
    """Ask for the choices of every relation of every model there is, offered on a page or not."""
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if field.is_relation and bool(field.concrete) == are_forward:
                yield (
                    f"/admin/autocomplete/?app_label={model._meta.app_label}&model_name={model._meta.model_name}"
                    f"&field_name={field.name}&term="
                )


def page_tricks(world, owner):
    """List what can be added to any page's address to see more than one should; the ids are an owner's last."""
    job, named, person, message = (
        world.ids(owner, f"mailings.{name}")[-1] for name in ("importjob", "clientlist", "client", "message")
    )
    chosen = f"message={message}&lists={named}&clients={person}&excluded_lists={named}&add_clients={person}"
    return [
        "",
        "x=%00",
        "_popup=1&_to_field=id",
        "_to_field=email",
        f"scope=all&days={ENORMOUS}&job={ENORMOUS}",
        f"{chosen}&owner={owner.pk}&job={job}&scope=all",
        f"message=x&lists=x&clients=x,1&excluded_lists={ENORMOUS}&add_clients={ENORMOUS}",
        f"_changelist_filters=owner%3D{owner.pk}%26q%3D{PART}",
    ]


def list_tricks(world, owner):
    """List what can be asked of a changelist, and of what goes by its filters; the ids are an owner's last."""
    run, named = world.ids(owner, "mailings.run")[-1], world.ids(owner, "mailings.clientlist")[-1]
    return [
        f"q={PART}&o=-1.2.-3",
        "q=%D0%B9%27%22%3C%25_%5C",
        "o=999.-2.x",
        "p=-1",
        f"p={ENORMOUS}",
        "all=1",
        "e=1",
        "_facets=True",
        f"id__exact={ENORMOUS}",
        "id__in=1,2,3,x",
        "pk__gt=0",
        f"owner={owner.pk}",
        f"owner={ENORMOUS}",
        f"owner__id__exact={owner.pk}",
        f"owner__email__startswith={PART}",
        "owner__password__startswith=md5",
        f"run__id__exact={run}",
        f"run__id__exact={ENORMOUS}",
        f"run__mailing__title__startswith={PART}",
        f"lists__id__exact={named}",
        f"lists={named}",
        f"lists__gte={named}",
        "lists__isnull=0",
        "whose=shared",
        "whose=own",
        "whose=x",
        "lists__id__exact=x",
        "created_at__gte=nonsense",
        "created_at__gte=2026-01-01T00:00:00Z&created_at__lt=99999-01-01",
        "action_time__year=0&action_time__month=13",
        "action_time__year=99999",
        "status__exact=nonsense&state__exact=x&reason__exact=x",
    ]


# --- What the database holds -----------------------------------------------------------------------------------------


def is_kept(model):
    """Leave out what every request may write: sessions."""
    return not model._meta.proxy and model._meta.app_label in ("accounts", "mailings", "admin", "auth", "guardian")


def only_of(model, person):
    """Select the rows of any model that are a person's own and nobody else's."""
    if issubclass(model, Owned):
        return Q(owner=person)
    if model is User:
        return Q(pk=person.pk)
    relations = [field for field in model._meta.concrete_fields if field.is_relation]
    mine = [Q(**{f"{field.name}__owner": person}) for field in relations if issubclass(field.related_model, Owned)]
    if issubclass(model, LogEntry) or (
        model._meta.auto_created and User in {field.related_model for field in relations}
    ):
        return Q(user=person)
    if mine and len(mine) == len(relations):
        return Q(*mine)
    return Q(pk__in=[])


def snapshot(without=None):
    """Copy every row of every table, except those that belong to one person alone."""
    rows = {}
    for model in apps.get_models(include_auto_created=True):
        if is_kept(model):
            found = model._base_manager.all()
            if without is not None:
                found = found.exclude(only_of(model, without))
            key = [field.attname for field in model._meta.pk_fields]
            rows |= {(model.__name__, *(values[name] for name in key)): values for values in found.values()}
    return rows


class Writes:
    """Count the statements that write to any table, sessions apart: with none there is nothing to compare."""

    def __init__(self):
        self.count = 0

    def __call__(self, execute, sql, params, many, context):
        self.count += sql.lstrip().startswith(("INSERT", "UPDATE", "DELETE")) and "django_session" not in sql
        return execute(sql, params, many, context)


def differences(before, after, spared=()):
    """List what has changed as (model, column), with “+” and “-” for rows that came and went; some rows may change."""
    found = {(name, "-") for name, *_key in before.keys() - after.keys()}
    found |= {(name, "+") for name, *_key in after.keys() - before.keys()}
    for key in (before.keys() & after.keys()).difference(spared):
        found |= {(key[0], column) for column, value in before[key].items() if after[key][column] != value}
    return found


def crossed():
    """List the links from one owner's row to another's, which nothing but a grant may make."""
    found = set()
    for model in apps.get_models():
        if not issubclass(model, Owned):
            continue
        for field in [*model._meta.concrete_fields, *model._meta.many_to_many]:
            if field.is_relation and issubclass(field.related_model, Owned):
                links = model._base_manager.filter(**{f"{field.name}__isnull": False})
                if links.exclude(**{f"{field.name}__owner": F("owner")}).exists():
                    found.add((f"{model.__name__}.{field.name}", "crossed"))
    return found
