"""How an uploaded file is kept, and what its columns are taken for."""

import io
import stat
from pathlib import Path

import pytest

from mailings.formats import BadFile, Reading
from mailings.models import ImportJob
from mailings.operations import imports
from mailings.operations.imports.refusal import NotChoosable
from mailings.tests.factories import make_list, make_user
from mailings.tests.operations.imports.steps import MIXED, checked, loaded, received

pytestmark = pytest.mark.django_db


def mapping(job):
    return {each["header"]: each["target"] for each in job.mapping}


class TestReceive:
    def test_keeps_the_file_apart_and_under_a_name_of_its_own(self):
        job = received(MIXED, make_user(), "../../my list.csv")

        path = Path(job.file.path)
        assert (job.file_name, path.suffix, "list" in path.name, job.status) == (
            "../../my list.csv",
            ".csv",
            False,
            "uploaded",
        )
        assert path.read_text(encoding="utf-8") == MIXED
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_keeps_nothing_of_a_file_that_cannot_be_read(self):
        with pytest.raises(BadFile):
            received("", make_user())

        assert ImportJob.objects.count() == 0

    def test_shows_how_it_reads_the_first_rows(self):
        job = imports.receive(io.BytesIO(MIXED.encode("cp1251")), "clients.csv", make_user())

        assert (job.encoding, job.delimiter, job.has_header) == ("cp1251", ";", True)
        assert job.sample[0] == ["ivan@example.com", "Иван", "Казань"]

    def test_recognises_columns_by_name(self):
        assert mapping(received(MIXED, make_user())) == {"Почта": "email", "Имя": "full_name", "Город": ""}

    def test_recognises_addresses_by_their_look_where_no_name_says_so(self):
        job = received("Кто;Куда;Имя\nя;ivan@example.com;Иван\nты;olga@example.com;Ольга\n", make_user())

        assert mapping(job) == {"Кто": "", "Куда": "email", "Имя": "full_name"}

    def test_takes_a_first_line_with_an_address_for_a_client(self):
        job = received("ivan@example.com;Иван\nolga@example.com;Ольга\n", make_user())

        assert (job.has_header, mapping(job), len(job.sample)) == (False, {"Column 1": "email", "Column 2": ""}, 2)

    def test_remembers_what_its_owner_chose_before(self):
        owner, other = make_user(), make_user()
        loaded(MIXED, owner, targets=["email", "", "attribute:Город"])
        loaded(MIXED, other, targets=["email", "full_name", "comment"])

        assert mapping(received("ГОРОД;E-mail;имя\nКазань;a@example.com;A\n", owner)) == {
            "ГОРОД": "attribute:Город",
            "E-mail": "email",
            "имя": "",
        }

    def test_stores_what_no_database_can_hold(self):
        job = received("email;na\x00me\nivan@example.com;I\x00van\n", make_user(), "cli\x00ents.csv")

        assert (job.file_name, [each["header"] for each in job.mapping], job.sample) == (
            "cli\ufffdents.csv",
            ["email", "na\ufffdme"],
            [["ivan@example.com", "I\ufffdvan"]],
        )


class TestReread:
    def test_reads_the_head_as_the_person_says(self):
        job = imports.receive(io.BytesIO(MIXED.encode("koi8-r")), "clients.csv", make_user())
        garbled = job.sample[0][1]

        imports.reread(job, Reading("koi8-r", ";"))

        found = ImportJob.objects.get()
        assert garbled != "Иван"
        assert (found.encoding, found.sample[0][1], mapping(found)["Почта"]) == ("koi8-r", "Иван", "email")

    def test_says_what_does_not_fit(self):
        job = imports.receive(io.BytesIO(MIXED.encode("cp1251")), "clients.csv", make_user())

        with pytest.raises(BadFile, match="not written in UTF-8"):
            imports.reread(job, Reading("utf-8-sig"))

        assert ImportJob.objects.get().encoding == "cp1251"


class TestChoose:
    def test_settles_columns_and_options(self):
        owner = make_user()
        vip = make_list(owner, name="VIP")
        job = received(MIXED, owner)

        imports.choose(job, ["email", "", "attribute:Город"], on_existing="skip", list_name="VIP")

        assert (job.status, mapping(job)["Город"], job.on_existing, job.client_list) == (
            "checking",
            "attribute:Город",
            "skip",
            vip,
        )

    @pytest.mark.parametrize(
        ("targets", "sentence"),
        [(["", "full_name", ""], "There is no e-mail column"), (["email", "comment", "comment"], "mean the same")],
    )
    def test_refuses_columns_that_do_not_do(self, targets, sentence):
        job = received(MIXED, make_user())

        with pytest.raises(BadFile, match=sentence):
            imports.choose(job, targets)

        assert ImportJob.objects.get().status == "uploaded"

    def test_may_be_done_again_until_it_is_loaded(self):
        owner = make_user()
        again, done = checked(MIXED, owner), loaded(MIXED, owner)

        imports.choose(again, ["email", "", ""])
        with pytest.raises(NotChoosable):
            imports.choose(done, ["email", "", ""])

        assert (again.status, ImportJob.objects.get(pk=done.pk).status) == ("checking", "completed")
