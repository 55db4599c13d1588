"""Nobody reads another owner's rows: every address of the admin, asked in every way we know, by all who should not."""

import re

import pytest
from django.contrib import admin

from mailings.tests.admin import crawl

YES = "confirm=1&count=1&post=yes&reason=x&action=block&select_across=1"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quiet")]


@pytest.fixture
def world():
    return crawl.World()


def leaks(visitor, addresses, word=crawl.NEEDLE):
    """Ask for each address and list the answers that break down, show the word, or hold what their policy forbids."""
    found = []
    for address in addresses:
        response = visitor.get(address)
        if response.status_code >= 500:
            found.append((address, response.status_code, repr(getattr(response, "exc_info", [None] * 2)[1])))
        elif crawl.shows(response, word):
            found.append((address, "shows it"))
        elif wrong := crawl.inline(response):
            found.append((address, wrong))
    return found


def everything(world, owner):
    return [*filtered(world, owner), *addresses(world, owner)]


def filtered(world, owner):
    """List every way to ask a list for more than it shows."""
    lists = (*crawl.changelists(), "/admin/mailings/client/export/")
    return [f"{page}?{trick}" for page in lists for trick in crawl.list_tricks(world, owner)]


def addresses(world, owner):
    """List every address there is, with ids of two owners, with odd ones, and with what may be added to any page."""
    pages = [f"{page}?{trick}" for page in crawl.pages() for trick in crawl.page_tricks(world, owner)]
    rows = list(crawl.row_pages(lambda label: [*few(world, owner, label), *few(world, world.bob, label)[:1]]))
    asides = [f"{address}?_popup=1&_to_field=id" for address in rows if "/change/" in address]
    odd = list(crawl.row_pages(lambda _label: ("-1", "x", crawl.ENORMOUS, "%00")))
    terms = ("", crawl.PART, f"&owner={owner.pk}", "&owner=x")
    choices = [address + term for address in crawl.relations(are_forward=True) for term in terms]
    return [*pages, *rows, *asides, *odd, *choices]


def few(world, person, label):
    """Take all mailings and imports, which differ by status, and of the ledger's rows the ends only."""
    ids = world.ids(person, label) if label != "auth.group" else [1]
    return ids if len(ids) < 10 or label == "mailings.importjob" else [ids[0], ids[-1]]


class TestTheOtherOwner:
    def test_finds_no_needle_and_changes_nothing_by_looking(self, world):
        bob, before = crawl.Visitor(world.bob), crawl.snapshot()

        found = leaks(bob, everything(world, world.alice))

        assert found == []
        assert crawl.differences(before, crawl.snapshot()) == set()
        assert bob.requests > 1300

    def test_sees_his_own_rows_on_the_same_pages(self, world):
        bob = crawl.Visitor(world.bob)
        lists = [f"/admin/mailings/{name}/" for name in ("client", "clientlist", "message", "mailing", "run")]

        shown = {page: crawl.shows(bob.get(page), "plain") for page in lists}

        assert shown == dict.fromkeys(lists, True)

    @pytest.mark.parametrize(("method", "data"), [("get", {}), ("post", {"post": "yes", "confirm": "1", "count": "1"})])
    def test_gets_the_same_answer_for_what_is_foreign_and_what_is_not_there(self, world, method, data):
        bob = crawl.Visitor(world.bob)

        answers = {}
        for foreign in crawl.row_pages(lambda label: few(world, world.alice, label)):
            if "/auth/group/" in foreign:
                # Nobody's rows, and a superuser's pages only.
                continue
            missing = re.sub(r"/\d+/", "/987654321/", foreign)
            answers[foreign] = [without_number(bob.ask_anew(method, page, data)) for page in (foreign, missing)]

        assert [(address, *pair) for address, pair in answers.items() if pair[0] != pair[1]] == []


def without_number(response):
    """Describe an answer without the id that was asked for and without what is random in each page."""
    number = re.search(r"/(\d+)/", response.wsgi_request.path)[1]
    said = [re.sub(rf"\b{number}\b", "N", message) for message in crawl.said(response)]
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    place = (response.get("Location") or "").replace(f"/{number}/", "/N/")
    return response.status_code, place, said, body.replace(f"/{number}/", "/N/")


class TestAColleague:
    def test_finds_nothing_but_what_is_shared_with_him_and_changes_nothing_by_looking(self, world):
        carol, before = crawl.Visitor(world.carol), crawl.snapshot()

        found = leaks(carol, everything(world, world.dora), crawl.CLOSED)

        assert found == []
        assert crawl.differences(before, crawl.snapshot()) == set()

    def test_sees_what_is_shared_with_its_owner_on_every_list(self, world):
        carol = crawl.Visitor(world.carol)
        names = ("client", "clientlist", "message", "mailing", "run", "delivery", "attempt")

        shown = {name: carol.get(f"/admin/mailings/{name}/").content.decode() for name in names}

        assert {
            name: [word in page for word in (crawl.OPEN, "dora@staff.example", "status-shared")]
            for name, page in shown.items()
        } == dict.fromkeys(names, [True] * 3)


class TestTheChoicesOfARelation:
    def test_are_refused_for_a_relation_that_no_form_has(self, world):
        """A reverse relation is no field of a form; Django's own view breaks down on some of them."""
        bob = crawl.Visitor(world.bob)

        answers = {address: bob.get(address).status_code for address in crawl.relations(are_forward=False)}

        assert {address: status for address, status in answers.items() if status != 403} == {}


class TestSomebodyWithoutARole:
    def test_finds_no_needle_and_changes_nothing_by_looking(self, world):
        stranger, before = crawl.Visitor(world.roleless), crawl.snapshot()

        found = leaks(stranger, addresses(world, world.alice))

        assert found == []
        assert crawl.differences(before, crawl.snapshot()) == set()
        assert stranger.requests > 700


class TestNobody:
    def test_finds_no_needle_and_changes_nothing_by_looking(self, world):
        nobody, before = crawl.Visitor(), crawl.snapshot()

        found = leaks(nobody, addresses(world, world.alice))

        assert found == []
        assert crawl.differences(before, crawl.snapshot()) == set()
        assert nobody.requests > 700


class TestAManager:
    def test_breaks_no_page_and_changes_nothing_by_looking(self, world):
        manager, before = crawl.Visitor(world.manager), crawl.snapshot()

        found = leaks(manager, everything(world, world.alice), word="nowhere to be found")

        assert found == []
        assert crawl.differences(before, crawl.snapshot()) == set()
        assert manager.requests > 1300

    def test_sees_the_needle_on_every_list(self, world):
        manager = crawl.Visitor(world.manager)
        lists = [
            f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            for model in admin.site._registry
            if model._meta.label != "auth.Group"
        ]

        shown = {page: crawl.shows(manager.get(page)) for page in lists}

        assert shown == dict.fromkeys(lists, True)


class TestTheWorld:
    def test_has_a_needle_in_every_column_that_takes_text(self, world):
        """A new column comes into the crawl by itself, or this says so."""
        own = crawl.snapshot()
        for key in crawl.snapshot(without=world.alice):
            del own[key]

        blank = {}
        for (name, *_pk), row in own.items():
            for column, value in row.items():
                if isinstance(value, str | dict | list):
                    blank[name, column] = blank.get((name, column), True) and crawl.NEEDLE not in str(value)

        without_text = {"status", "state", "rhythm", "reason", "pause_reason", "trigger", "outcome", "level", "kind"}
        without_text |= {"encoding", "delimiter", "on_existing", "password", "time_zone", "language", "object_id"}
        without_text |= {"change_message"}
        assert {key for key, is_blank in blank.items() if is_blank and key[1] not in without_text} == set()
