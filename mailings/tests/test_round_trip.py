"""Whatever table people write, in whatever encoding: what comes out again is what went in."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailings.formats import CsvFormat, Reading, XlsxFormat
from mailings.formats.apostrophe import LITERAL
from mailings.models import Client
from mailings.operations import imports
from mailings.resources import ClientResource
from mailings.tests.factories import make_client, make_user
from mailings.tests.operations.imports.steps import worked
from mailings.tests.workbooks import packed, workbook

pytestmark = pytest.mark.django_db

HEADERS = ("E-mail", "Имя", "Комментарий", "Город")
TARGETS = ["email", "full_name", "comment", "attribute:Город"]
ENCODINGS = ("utf-8-sig", "utf-16", "cp1251", "cp866", "koi8-r", "mac-cyrillic")
KINDS = [*((encoding, delimiter) for encoding in ENCODINGS for delimiter in ",;\t"), ("xlsx", "")]

# What each of the encodings can write, and some of what makes reading a table hard.
LETTERS = "abcXYZабвЯЖё 0159.,;:!?'\"=+-@()/\\|#&<>_%"
words = st.text(LETTERS, max_size=20).map(str.strip)
lines = st.lists(words, max_size=3).map(lambda found: "\n".join(found).strip())
tables = st.lists(st.tuples(words, lines, words), min_size=1, max_size=5)


def written(rows, encoding, delimiter):
    if encoding == "xlsx":
        # openpyxl makes a formula of what begins with “=”; Excel would need the apostrophe for that, too.
        return packed(workbook(HEADERS, *([f"'{cell}" if cell[:1] == "=" else cell for cell in row] for row in rows)))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADERS)
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def covered(text):
    """Put the apostrophe that a reader takes off, where somebody's own would be lost."""
    return f"'{text}" if LITERAL.match(text) else text


def taken_in(owner, data, encoding, delimiter):
    job = imports.receive(io.BytesIO(data), "clients", owner)
    if encoding != "xlsx":
        imports.reread(job, Reading(encoding, delimiter))
    imports.choose(job, TARGETS)
    job = worked(job)
    if job.good:
        imports.queue(job)
        job = worked(job)
    return job


def base_of(owner):
    rows = Client.objects.owned_by(owner).order_by("email")
    return [(each.email, each.full_name, each.comment, each.attributes.get("Город", "")) for each in rows]


class TestATable:
    @pytest.mark.parametrize(("encoding", "delimiter"), KINDS)
    @settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(table=tables)
    def test_comes_in_as_it_was_written_and_out_as_it_came_in(self, encoding, delimiter, table):
        owner, other = make_user(), make_user()
        rows = [(f"a{number}@example.com", *row) for number, row in enumerate(table)]

        job = taken_in(
            owner, written([tuple(map(covered, row)) for row in rows], encoding, delimiter), encoding, delimiter
        )

        assert (job.status, job.new, job.wrong) == ("completed", len(rows), 0)
        assert base_of(owner) == rows
        for file_format in (CsvFormat(), XlsxFormat()):
            exported = file_format.export_data(ClientResource(owner).export())
            data = exported if isinstance(exported, bytes) else exported.encode()
            again = imports.receive(io.BytesIO(data), "again", owner)
            imports.choose(again, [each["target"] for each in again.mapping])
            assert (worked(again).unchanged, worked(again).rows) == (len(rows), len(rows))
            copied = imports.receive(io.BytesIO(data), "copied", other)
            imports.choose(copied, [each["target"] for each in copied.mapping])
            imports.queue(worked(copied))
            worked(copied)
            assert base_of(other) == rows


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t=+-@'\";,"), max_size=30)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cf")), max_size=30)


class TestAnExport:
    @pytest.mark.parametrize("file_format", [CsvFormat, XlsxFormat])
    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(rows=st.lists(st.tuples(NAMES, TEXTS), min_size=1, max_size=4))
    def test_of_any_letters_imported_again_changes_nothing(self, file_format, rows):
        owner = make_user()
        for number, (name, text) in enumerate(rows):
            fields = {"comment": text, "consent_source": name, "attributes": {"city": text}}
            make_client(owner, f"a{number}@example.com", full_name=name, **fields)
        exported = file_format().export_data(ClientResource(owner).export())
        data = exported if isinstance(exported, bytes) else exported.encode()

        job = imports.receive(io.BytesIO(data), "clients", owner)
        imports.choose(job, [each["target"] for each in job.mapping])
        job = worked(job)

        assert (job.status, job.unchanged, job.rows) == ("checked", len(rows), len(rows))
