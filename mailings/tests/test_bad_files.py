"""Every kind of file that people have, and some that nobody should, through the pages and through the command."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from mailings.models import Client, RejectedRow, Suppression
from mailings.tests.admin.wizard import Wizard
from mailings.tests.bad_files import ALL
from mailings.tests.factories import make_user

pytestmark = pytest.mark.django_db

TRACES = ("Traceback", "DETAIL", "psycopg", "sqlite3", "IntegrityError", "Error(", "zqneedle")
NOUGHTS = dict.fromkeys(("new", "changed", "unchanged", "wrong", "repeated", "suppressed", "rows"), 0)

every_file = pytest.mark.parametrize("case", ALL, ids=str)


@pytest.fixture
def owner():
    return make_user("ann@staff.example", language="en")


def base_of(owner):
    return dict(Client.objects.owned_by(owner).values_list("email", "full_name"))


def holds(case, owner):
    """Compare the base and the rows left out with what the case says."""
    assert base_of(owner) == case.clients
    rejected = list(RejectedRow.objects.values_list("line", "faults"))
    assert [line for line, _faults in rejected] == ([case.line] if case.line else [])
    assert all(case.says in faults[0]["reason"] for _line, faults in rejected)
    assert Suppression.objects.count() == case.totals.get("suppressed", 0)


class TestThePages:
    @every_file
    def test_give_a_friendly_outcome_to(self, case, client, owner):
        case.before(owner)
        there = base_of(owner)
        client.force_login(owner)
        wizard = Wizard(client)

        with override_settings(**case.settings):
            wizard.go(case.data, case.file_name)

        assert {page.status_code for page in wizard.pages} == {200}
        assert [trace for trace in TRACES if trace in wizard.said] == []
        if case.refused and not case.asked:
            assert case.refused in wizard.said
            assert base_of(owner) == there
        else:
            sums = {name: getattr(wizard.job, name) for name in NOUGHTS}
            assert (wizard.job.status, sums) == ("completed", NOUGHTS | case.totals)
            assert (case.asked or case.says) in wizard.said
            holds(case, owner)


class TestTheCommand:
    @every_file
    def test_gives_a_friendly_outcome_to(self, case, owner, tmp_path, capsys):
        case.before(owner)
        there = base_of(owner)
        path = tmp_path / case.file_name
        path.write_bytes(case.data)

        code, out, err = run(case, path, owner)

        assert [trace for trace in TRACES if trace in out + err] == []
        if case.refused:
            assert (code, out) == (2, "")
            assert case.refused in err
            assert base_of(owner) == there
        else:
            assert (code, json.loads(out)) == (1 if case.totals.get("wrong") else 0, NOUGHTS | case.totals)
            assert case.says in err
            holds(case, owner)


def run(case, path, owner):
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        with override_settings(**case.settings):
            call_command("import_clients", str(path), "--owner", owner.email, stdout=out, stderr=err)
    except SystemExit as stop:
        code = stop.code
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return code, out.getvalue(), err.getvalue()
