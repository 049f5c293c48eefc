"""50,000 users: the cache has become part of the capacity."""

import pytest

from chaoskit import Chaos, faults

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="50,000 users")]


def test_cache_loss(chaos: Chaos) -> None:
    """Losing the cache slows browsing within its degraded SLO and touches nothing else."""
    chaos.experiment(faults.CacheLoss("cache", how="kill")).assert_held()
