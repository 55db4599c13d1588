"""The short torture: each named fault once and a few random kills. The long one is `make torture`."""

import os
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from mailings.tests.torture import faults, invariants
from mailings.tests.torture.rounds import rounds
from mailings.tests.torture.stage import Stage

IS_POSTGRESQL = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
# With one worker, with one killed twice, with two at once.
SEEDS = (2, 3, 5)
LETTERS = 3000


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torture")
    # A Redis database of its own: the queue's name is the same everywhere.
    redis_url = urlsplit(settings.REDIS_URL)._replace(path="/11").geturl() if settings.REDIS_URL else ""
    urls = (os.environ["DATABASE_URL"], redis_url) if IS_POSTGRESQL else ()
    with Stage(folder, *urls) as running:
        yield running


NAMED = [
    pytest.param(
        fault, id=fault.__name__, marks=pytest.mark.skipif(bool(faults.missing(fault)), reason=faults.missing(fault))
    )
    for fault in faults.short(is_postgresql=IS_POSTGRESQL)
]


@pytest.mark.django_db(databases=[])
class TestSending:
    @pytest.mark.parametrize("fault", NAMED)
    def test_holds_its_promises_after(self, stage, fault):
        try:
            fault(stage)
        except BaseException:
            stage.clean_up()
            raise

    def test_survives_random_kills(self, stage):
        stage.dismiss()

        with rounds(stage, LETTERS) as game:
            played = [game.play(seed) for seed in SEEDS]

        assert sum(each.kills for each in played) >= len(SEEDS)


def ledger(*states, **changes):
    """Make a true ledger of deliveries in these states, each of them tried once."""
    counts = {name: states.count(name) for name in invariants.SUMS}
    return {
        "deliveries": {str(pk): [f"{pk}@x", state, 1] for pk, state in enumerate(states)},
        "attempts": [[pk, state, 1] for pk, state in enumerate(states)],
        "runs": [{"total": len(states), **counts}],
        "hours": {f"{name}__sum": counts[name] for name in ("accepted", "refused", "deferred")},
        "status": "completed",
        "pause": "",
        "is_finished": True,
        **changes,
    }


class TestInvariants:
    def test_hold_for_a_true_ledger(self):
        found = invariants.violations(ledger("accepted", "unknown", "refused"), {"0@x": 1, "1@x": 1}, unknown_at_most=1)

        assert found == []

    @pytest.mark.parametrize(
        ("wrong", "taken", "name"),
        [
            (ledger("accepted"), {"0@x": 2}, invariants.ONCE),
            (ledger("accepted"), {}, invariants.ACCEPTED_IS_TRUE),
            (ledger("refused"), {"0@x": 1}, invariants.TAKEN_IS_KNOWN),
            (ledger("accepted"), {"0@x": 1, "9@x": 1}, invariants.LETTERS_ARE_OURS),
            (ledger("unknown", "unknown"), {}, invariants.FEW_UNKNOWN),
            (ledger("accepted", runs=[]), {"0@x": 1}, invariants.SUMS_ADD_UP),
            (ledger("accepted", hours={"accepted__sum": 2}), {"0@x": 1}, invariants.HOURS_ADD_UP),
            (ledger("accepted", status="running"), {"0@x": 1}, invariants.COMPLETED),
        ],
    )
    def test_name_what_does_not_hold(self, wrong, taken, name):
        found = invariants.violations(wrong, taken, unknown_at_most=1)

        assert [violated for violated, _what in found] == [name]
