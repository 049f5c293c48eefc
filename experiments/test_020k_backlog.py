"""20,000 users: background jobs compete with users."""

import pytest

from chaoskit import Chaos, faults
from fixtures.marketplace.backlog import receipts, reports

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="20,000 users")]


def test_worker_backlog(chaos: Chaos) -> None:
    """A pile of report jobs is worked off in time, and players do not notice."""
    chaos.experiment(faults.WorkerBacklog(reports, workers="worker", jobs=150)).assert_held()


def test_crashing_worker(chaos: Chaos) -> None:
    """A worker that dies again and again in the middle of its work loses no receipt and sends none twice."""
    chaos.experiment(faults.WorkerBacklog(receipts, workers="worker", how="crash")).assert_held()
