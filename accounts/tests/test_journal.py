"""The journal: lines that each reader reads in his language, without clients' addresses."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import translation

from accounts import journal
from accounts.journal import in_words
from accounts.tests.factories import make_manager, make_user
from mailings import acts
from mailings.models import Suppression
from mailings.tests.factories import make_client, make_mailing

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:accounts_journalentry_changelist")
BACKEND = "django.contrib.auth.backends.ModelBackend"


class TestALine:
    def test_is_read_in_the_readers_language(self):
        ann = make_user()
        with translation.override("ru"):
            journal.write(ann, make_mailing(ann), acts.LAUNCHED(n=21))

        entry = LogEntry.objects.get()
        said = {}
        for language in ("en", "ru"):
            with translation.override(language):
                said[language] = in_words(entry)

        assert said == {"en": "Launched: 21 recipients.", "ru": "Запущена для 21 получателя."}

    def test_shows_times_on_the_readers_clock(self):
        ann = make_user()
        journal.write(ann, make_mailing(ann), acts.SCHEDULED(time="2026-11-23T11:52:00+00:00"))

        with translation.override("en"):
            assert "14:52 MSK" in in_words(LogEntry.objects.get())

    def test_of_an_act_that_is_no_more_still_tells_its_numbers(self):
        entry = LogEntry(change_message=json.dumps({"act": "painted", "n": 3, "colour": "red"}))

        assert in_words(entry) == "n: 3, colour: red"

    @pytest.mark.parametrize(("message", "said"), [("", "Change"), ("by hand", "by hand"), ('{"act":', '{"act":')])
    def test_that_is_plain_text_is_shown_as_it_is(self, message, said):
        with translation.override("en"):
            assert in_words(LogEntry(action_flag=2, change_message=message)) == said


class TestTheAdmin:
    def test_masks_clients_addresses_in_everything_it_writes(self, client):
        ann = make_user("ann@staff.example")
        client.force_login(ann, backend=BACKEND)
        changed, deleted = make_client(ann, "changed@client.example"), make_client(ann, "deleted@client.example")
        lifted = Suppression.objects.create(owner=ann, address="lifted@client.example")

        form = {"email": "changed@client.example", "full_name": "Ivan Petrov", "attributes": "{}"}
        client.post(reverse("admin:mailings_client_add"), form | {"email": "added@client.example"})
        client.post(reverse("admin:mailings_client_change", args=[changed.pk]), form)
        client.post(reverse("admin:mailings_client_delete", args=[deleted.pk]), {"post": "yes"})
        client.post(reverse("admin:mailings_suppression_delete", args=[lifted.pk]), {"post": "yes"})

        lines = LogEntry.objects.order_by("pk").values_list("object_repr", flat=True)
        assert list(lines) == [f"{letter}***@client.example" for letter in ("a", "c", "d", "l")]

    def test_shows_users_their_own_lines_and_managers_all(self, client):
        ann, boris, manager = make_user("ann@staff.example"), make_user("boris@staff.example"), make_manager()
        for person in (ann, boris):
            journal.write(person, make_mailing(person, title=f"of {person.email}"), acts.LAUNCHED(n=5))

        shown = {}
        for person in (ann, manager):
            client.force_login(person, backend=BACKEND)
            page = client.get(PAGE).content.decode()
            shown[person] = [f"of {each.email}" in page for each in (ann, boris)]

        assert shown == {ann: [True, False], manager: [True, True]}

    def test_finds_lines_by_act_and_by_person(self, client):
        ann, manager = make_user("ann@staff.example"), make_manager()
        mailing = make_mailing(ann)
        journal.write(ann, mailing, acts.LAUNCHED(n=5))
        journal.write(ann, mailing, acts.PAUSED())
        journal.write(manager, mailing, acts.SWITCHED_OFF(n=1, reason="no"))
        client.force_login(manager, backend=BACKEND)

        found = {
            query: [
                entry.change_message.split('"')[3] for entry in client.get(f"{PAGE}?{query}").context["cl"].result_list
            ]
            for query in ("act=launched", f"who={ann.pk}", "act=nonsense", "who=x", "act=launched%22")
        }

        assert found == {
            "act=launched": ["launched"],
            f"who={ann.pk}": ["paused", "launched"],
            "act=nonsense": [],
            "who=x": [],
            "act=launched%22": [],
        }

    def test_offers_a_user_no_filter_by_person(self, client):
        ann = make_user()
        journal.write(make_user("boris@staff.example"), make_mailing(ann), acts.PAUSED())
        client.force_login(ann, backend=BACKEND)

        assert "boris@staff.example" not in client.get(PAGE).content.decode()
