"""Nobody writes another owner's rows: every address of the admin, posted to with everything one can forge."""

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from mailings.tests.admin import crawl

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]

# What a yes looks like on any confirmation page; each mailing of the world has one recipient.
YES = {"confirm": "1", "count": "1", "post": "yes", "reason": "forged", "index": "0"}


@pytest.fixture
def world():
    return crawl.World()


def forged(world, owner):
    """Fill every field of every form, with the ids of an owner's rows and the owner himself."""
    first = {
        name: world.ids(owner, f"mailings.{name}")[0]
        for name in ("client", "clientlist", "message", "mailing", "run", "delivery", "attachment", "importjob")
    }
    start, end = timezone.now() + timedelta(hours=1), timezone.now() + timedelta(days=2)
    texts = {"full_name": "forged", "comment": "forged", "name": "forged", "subject": "forged", "text": "forged"}
    dates = {
        "first_send_at_0": f"{start:%Y-%m-%d}", "first_send_at_1": f"{start:%H:%M:%S}",
        "finish_send_at_0": f"{end:%Y-%m-%d}", "finish_send_at_1": f"{end:%H:%M:%S}",
    }  # fmt: skip
    inline = {"attachments-TOTAL_FORMS": "1", "attachments-INITIAL_FORMS": "1"}
    inline |= {"attachments-0-id": first["attachment"], "attachments-0-message": first["message"]}
    inline |= {"attachments-0-name": "forged"}
    return {
        **texts, **dates, **inline,
        "email": "forged@client.example", "address": "forged@client.example", "title": "forged", "html": "forged",
        "attributes": '{"forged": "1"}', "description": "forged", "rhythm": "once", "reason": "by_hand",
        "owner": owner.pk, "owner_id": owner.pk, "user": owner.pk, "status": "running", "state": "pending",
        "message": first["message"], "lists": [first["clientlist"]], "clients": [first["client"]],
        "excluded_lists": [first["clientlist"]], "add_clients": [first["client"]], "client_list": first["clientlist"],
        "mailing": first["mailing"], "run": first["run"], "delivery": first["delivery"], "job": first["importjob"],
        "is_superuser": "on", "is_active": "", "groups": [1, 2], "user_permissions": [1, 2], "language": "en",
        "time_zone": "UTC", "old_password": "wrong", "new_password1": "forged-pass-phrase-1",
        "new_password2": "forged-pass-phrase-1", "password1": "forged-pass-phrase-1",
        "password2": "forged-pass-phrase-1", "usable_password": "true", "format": "0", "next": "/admin/",
        "encoding": "utf-8-sig", "delimiter": ";", "has_header": "on", "column_0": "email", "on_existing": "skip",
        "skip_wrong": "1",
    }  # fmt: skip


def payloads_for_a_row(world, person, owner):
    """List what is posted to an address with an id in it, the deletions last."""
    theirs, own = forged(world, owner), forged(world, world.bob) if person == world.bob else {}
    return [
        theirs | {"_save": "1"},
        theirs | {"_saveasnew": "1", "_popup": "1", "_to_field": "id"},
        {"share_address": "1", "address": "forged@staff.example", "level": "change"},
        {"share_group": "1", "group": Group.objects.get(name="User").pk, "level": "view"},
        {"withdraw_address": world.blocked.email},
        theirs | own | {"attachments-0-id": theirs["attachments-0-id"], "attachments-0-DELETE": "on", "_continue": "1"},
        YES,
    ]


def odd(world, value):
    """Fill every choice of a form with something that is no id."""
    choices = ("message", "lists", "clients", "excluded_lists", "add_clients", "client_list", "groups", "blocked_by")
    return forged(world, world.bob) | dict.fromkeys(choices, value)


def payloads_for_a_list(world, model, owner):
    """List what is posted to a changelist, in groups: editing in the list, and every action with foreign ids."""
    ids = few(world, owner, model._meta.label_lower)
    editing = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": ids[0], "_save": "1"}
    yield [editing | {f"form-0-{name}": value for name, value in forged(world, owner).items()}]
    actions = list(dict.fromkeys((*admin.site._registry[model].actions, "delete_selected", "export_admin_action")))
    for action in actions:
        yield [YES | {"action": action, "_selected_action": chosen, "select_across": "0"} for chosen in (ids[:1], ids)]
        yield [YES | {"action": action, "_selected_action": ids[:1], "select_across": "1"}]
    yield [YES | {"action": actions[0], "_selected_action": [pk]} for pk in ("x", "1\x00", "-1", crawl.ENORMOUS)]


def requests(world, person, owner):
    """Pair every address with what is posted to it, one thing after the other."""
    of_row = payloads_for_a_row(world, person, owner)
    of_page = [*of_row, *(odd(world, value) for value in ("x", "1\x00", "-1", crawl.ENORMOUS))]
    lists = {f"/admin/{model._meta.app_label}/{model._meta.model_name}/": model for model in admin.site._registry}
    for page in crawl.pages():
        for payloads in payloads_for_a_list(world, lists[page], owner) if page in lists else [of_page]:
            yield page, payloads
    job = world.ids(owner, "mailings.importjob")[0]
    yield f"/admin/mailings/client/import/?job={job}", of_row
    for address in crawl.row_pages(lambda label: few(world, owner, label)):
        yield address, of_row
    if person == world.bob:
        # Into a row of one's own with everything foreign in hand: its choices, its inlines, its owner.
        for address in crawl.row_pages(lambda label: world.ids(person, label)[:1]):
            yield address, of_row[:1]


VARIED = ("mailings.mailing", "mailings.importjob")


def few(world, owner, label):
    """Take all mailings and imports of the first owner, which differ by status, and of other rows some."""
    if label == "auth.group":
        return [1]
    people = [owner, world.manager, world.blocked] if label == "accounts.user" else [owner]
    ids = [pk for person in people for pk in world.ids(person, label)]
    is_whole = label == "accounts.user" or (label in VARIED and owner == world.alice)
    return ids if is_whole else sorted({*ids[:2], ids[-1]})


def damage(world, person, without=None, only="", owner=None, spared=()):
    """Post everything everywhere, undo it after each address, and collect what it changed and what broke down."""
    visitor, before, changed, broken = crawl.Visitor(person), crawl.snapshot(without), {}, []
    for address, payloads in requests(world, person, owner or world.alice):
        if not re.match(f"/admin/{only}", address):
            continue
        with transaction.atomic(), connection.execute_wrapper(writes := crawl.Writes()):
            for payload in payloads:
                files = {"import_file": SimpleUploadedFile("a.csv", b"email\nforged@client.example\n")}
                response = visitor.post(address, payload | (files if "/import/" in address else {}))
                if fault := fault_of(response, is_stranger=without is not None):
                    broken.append((address, payload, fault))
            if writes.count:
                found = crawl.differences(before, crawl.snapshot(without), spared) | crawl.crossed()
                changed |= dict.fromkeys(found, address)
            transaction.set_rollback(True)
    return changed, broken


def fault_of(response, *, is_stranger):
    if response.status_code >= 500:
        return repr(response.exc_info[1]) if getattr(response, "exc_info", None) else response.status_code
    return "shows it" if is_stranger and crawl.shows(response) else crawl.inline(response)


SHARED = {("MessageAwaitedGrant", "+"), ("MessageGroupGrant", "+"), ("MessageUserGrant", "-")}


class TestTheOtherOwner:
    def test_changes_no_row_but_his_own(self, world):
        changed, broken = damage(world, world.bob, without=world.bob)

        assert broken == []
        assert changed == {}

    @pytest.mark.parametrize(
        ("pages", "expected"),
        [
            ("client", {("Client", "full_name"), ("Client", "-"), ("Client", "+"), ("ImportJob", "+")}),
            ("clientlist", {("ClientList", "name"), ("ClientList", "-"), ("ClientList_clients", "+")}),
            ("message", {("Message", "subject"), ("Attachment", "-"), *SHARED}),
            ("mailing", {("Mailing", "title"), ("Mailing", "-"), ("Mailing", "+"), ("Run", "+")}),
            ("importjob", {("ImportJob", "status"), ("ImportJob", "on_existing")}),
        ],
    )
    def test_would_have_changed_rows_of_his_own_by_the_same_requests(self, world, pages, expected):
        """Proves that the requests are good: what they do not do to a foreign row they do to one's own."""
        pk = world.ids(world.alice, f"mailings.{pages}")[0]

        changed, _broken = damage(world, world.alice, only=f"mailings/{pages}/({pk}|add|import|$)")

        assert expected - set(changed) == set()


class TestAColleague:
    def test_changes_what_is_shared_for_that_and_nothing_else(self, world):
        changed, broken = damage(world, world.carol, without=world.carol, owner=world.dora, spared=world.shared)

        links = ("lists", "clients", "excluded_lists")
        assert broken == []
        assert set(changed) == {
            # She launches what is shared with her for that, and uses the rest in mailings of her own.
            ("Run", "+"),
            ("Delivery", "+"),
            *((f"Mailing_{name}", "+") for name in links),
            *((f"Mailing.{name}", "crossed") for name in (*links, "message")),
        }


class TestSomebodyWithoutARole:
    def test_changes_nothing_but_his_own_profile(self, world):
        assert damage(world, world.roleless, without=world.roleless) == ({}, [])


class TestNobody:
    def test_changes_nothing(self, world):
        assert damage(world, None) == ({}, [])


class TestAManager:
    def test_only_switches_off_and_blocks(self, world):
        changed, broken = damage(world, world.manager, only="(?!profile/)")

        assert broken == []
        assert set(changed) == {
            *(("Mailing", name) for name in ("status", "next_send_at", "pause_reason", "pause_detail", "resume_at")),
            *(("Mailing", f"switched_off_{name}") for name in ("at", "by_id", "reason")),
            *(("Delivery", name) for name in ("state", "reason", "next_try_at")),
            *(("Run", name) for name in ("cancelled", "deferred", "finished_at")),
            # What a worker still has in its hand ends where the last letter of it may have left.
            ("Claim", "last"),
            *(("User", name) for name in ("is_active", "blocked_at", "blocked_by_id", "blocked_reason")),
            ("User", "session_version"),
            # What was shared with somebody ends with his block.
            *((f"{name}UserGrant", "-") for name in ("Message", "ClientList", "Mailing")),
            ("LogEntry", "+"),
        }

    def test_changes_nobodys_profile_but_his_own(self, world):
        assert damage(world, world.manager, without=world.manager, only="profile/") == ({}, [])


class TestASuperuser:
    @pytest.mark.parametrize("model", ["run", "delivery", "attempt", "importjob"])
    def test_rewrites_no_record(self, world, model):
        """What was sent, and what the mail server said, stays as it was written, whoever asks."""
        boss = User.objects.create_superuser("boss@staff.example", "a-long-pass-phrase-7")

        assert damage(world, boss, only=f"mailings/{model}/") == ({}, [])

    def test_rewrites_no_line_of_the_journal(self, world):
        boss = User.objects.create_superuser("boss@staff.example", "a-long-pass-phrase-7")

        assert damage(world, boss, only="accounts/journalentry/") == ({}, [])


class TestTheRegistry:
    def test_offers_no_way_around_the_rules_of_access(self):
        """`list_editable`, “save as new” and raw ids check the model's permission only, or show what they name."""
        loose = {
            model._meta.label: (model_admin.list_editable, model_admin.save_as, model_admin.raw_id_fields)
            for model, model_admin in admin.site._registry.items()
        }

        assert loose == dict.fromkeys(loose, ((), False, ()))

    def test_leaves_no_model_with_an_address_of_its_own(self):
        assert [model for model in apps.get_models() if hasattr(model, "get_absolute_url")] == []

    def test_has_no_person_to_delete(self, world):
        boss = User.objects.create_superuser("boss@staff.example", "a-long-pass-phrase-7")

        # Somebody without a row of his own: no foreign key stands in the way.
        crawl.Visitor(boss).post(f"/admin/accounts/user/{world.roleless.pk}/delete/", {"post": "yes"})

        assert User.objects.filter(pk=world.roleless.pk).exists()
