"""The short torture of imports: a few kills. The long one is `make torture-imports`."""

import pytest

from mailings.tests.import_torture import CHUNK, Trial
from mailings.tests.system import System


@pytest.mark.timeout(170)
@pytest.mark.django_db(databases=[])
class TestAKilledWorker:
    def test_loses_no_row_and_repeats_none_and_all_can_be_undone(self, tmp_path):
        with System(tmp_path) as system:
            trial = Trial(system, rows=5 * CHUNK, kills=2, seed=7)

            faults = trial.run()

        assert faults == []
        assert trial.killed >= 1
