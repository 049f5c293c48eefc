"""20,000 users: background jobs compete with users."""

import pytest

from chaoskit import Chaos, faults
from fixtures.marketplace.backlog import receipts, reports

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="20,000 users")]


def test_worker_backlog(chaos: Chaos) -> None:
    """A pile of report jobs is worked through in time, and players do not notice."""
    chaos.experiment(faults.WorkerBacklog(reports, workers="reporter", jobs=110)).assert_held()


def test_crashing_worker(chaos: Chaos) -> None:
    """A worker that dies again and again during its work loses no receipt and sends none twice."""
    crashes = faults.WorkerBacklog(receipts, workers="worker", how="crash", at_least=1)
    chaos.experiment(crashes).assert_held()
