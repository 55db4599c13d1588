"""`manage.py import_clients`: what it prints, and the exit code that scripts go by."""

import json

import pytest
from django.core.management import CommandError, call_command

from mailings.models import Client, ClientList, ImportJob
from mailings.tests.factories import make_client, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path, capsys):
    def run(data, *arguments, owner=""):
        path = tmp_path / "clients.csv"
        path.write_bytes(data)
        try:
            call_command(
                "import_clients", str(path), "--owner", owner or make_user("anna@staff.example").email, *arguments
            )
        except SystemExit as stop:
            code = stop.code
        else:
            code = 0
        out, err = capsys.readouterr()
        return code, json.loads(out), err

    return run


def summary(**counts):
    return dict.fromkeys(("new", "changed", "unchanged", "wrong", "repeated", "suppressed", "rows"), 0) | counts


class TestImportClients:
    def test_loads_a_file_of_the_russian_excel_onto_a_list(self, run):
        answer = run("Почта;Имя\nivan@example.com;Иван\n".encode("cp1251"), "--list", "VIP")

        assert answer == (0, summary(new=1, rows=1), "")
        assert list(ClientList.objects.values_list("name", "clients__full_name")) == [("VIP", "Иван")]

    def test_names_wrong_rows_by_line_and_says_so_by_its_code(self, run):
        code, totals, err = run(b"email,name\nivan@example.com,I\nnonsense,N\nIVAN@example.com,R\n")

        assert (code, totals) == (1, summary(new=1, wrong=1, repeated=1, rows=3))
        assert err.splitlines() == [
            "Line 3: email nonsense: There must be exactly one @ in the address, as in name@example.com.",
            "Line 4: email ivan@example.com: The same address stands in line 2, which counts.",
        ]

    def test_counts_repeated_rows_as_in(self, run):
        code, totals, _err = run(b"email\nivan@example.com\nivan@example.com\n")

        assert (code, totals) == (0, summary(new=1, repeated=1, rows=2))

    def test_has_done_nothing_when_every_row_is_wrong(self, run):
        code, totals, _err = run(b"email\nnonsense\n")

        assert (code, totals, Client.objects.count()) == (2, summary(wrong=1, rows=1), 0)

    @pytest.mark.parametrize(
        ("data", "arguments", "sentence"),
        [
            (b"", (), "The file is empty."),
            (b"email\n", (), "There are no rows below the column names."),
            (b"name\nIvan\n", (), "There is no e-mail column."),
            (b'email\n"open\n', (), "Broken quote, line 2."),
            (b"\x89PNG\r\n\x1a\n\x00\x00", (), "“clients.csv” is not a text file."),
            (b"email\na@example.com\n", ("--list", "x" * 101), "Ensure this value has at most 100 characters"),
        ],
    )
    def test_does_nothing_with_a_bad_file_and_says_why(self, run, data, arguments, sentence):
        with pytest.raises(CommandError, match=sentence.replace(".", r"\.")) as stop:
            run(data, *arguments)

        assert (stop.value.returncode, ImportJob.objects.count(), Client.objects.count()) == (2, 0, 0)

    def test_leaves_clients_alone_that_are_there_where_it_is_told_to(self, run):
        owner = make_user("anna@staff.example")
        make_client(owner, "ivan@example.com", full_name="Old")

        answer = run(b"email,name\nivan@example.com,New\n", "--on-existing", "skip", "--list", "VIP", owner=owner.email)

        assert answer == (0, summary(unchanged=1, rows=1), "")
        assert list(ClientList.objects.values_list("clients__full_name", flat=True)) == ["Old"]

    def test_only_checks_where_it_is_told_to_and_leaves_nothing_behind(self, run, settings):
        code, totals, _err = run(b"email\nivan@example.com\nnonsense\n", "--dry-run", "--list", "VIP")

        assert (code, totals) == (1, summary(new=1, wrong=1, rows=2))
        assert (Client.objects.count(), ClientList.objects.count(), ImportJob.objects.count()) == (0, 0, 0)
        assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []

    def test_writes_the_rows_left_out_into_a_file(self, run, tmp_path):
        rejects = tmp_path / "rejects.csv"

        run(b"email,name\nivan@example.com,I\nnonsense,N\n", "--rejects", str(rejects))

        assert rejects.read_text(encoding="utf-8-sig").splitlines() == [
            "email;name;Reason",
            "nonsense;N;There must be exactly one @ in the address, as in name@example.com.",
        ]

    def test_names_the_first_hundred_and_counts_the_others(self, run):
        _code, _totals, err = run(b"email\n" + b"nonsense\n" * 130)

        assert (len(err.splitlines()), err.splitlines()[-1]) == (
            101,
            "… and 30 more; --rejects FILE writes all of them.",
        )

    def test_says_unchanged_of_the_same_file_again(self, run):
        owner = make_user("anna@staff.example")
        run(b"email\nivan@example.com\n", owner=owner.email)

        assert run(b"email\nivan@example.com\n", owner=owner.email) == (0, summary(unchanged=1, rows=1), "")

    def test_does_nothing_for_an_unknown_owner(self, run):
        with pytest.raises(CommandError, match="There is no user with the address nobody@staff") as stop:
            run(b"email\na@example.com\n", owner="nobody@staff.example")

        assert (stop.value.returncode, ImportJob.objects.count()) == (2, 0)

    def test_does_nothing_without_the_file(self):
        with pytest.raises(CommandError, match="cannot be read") as stop:
            call_command("import_clients", "/nowhere/clients.csv", "--owner", make_user().email)

        assert stop.value.returncode == 2
