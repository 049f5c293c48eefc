"""50,000 users: the cache has become part of the capacity."""

import pytest

from chaoskit import Chaos, faults

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="50,000 users")]


def test_cache_loss(chaos: Chaos) -> None:
    """Losing the cache slows browsing within its degraded SLO and touches nothing else."""
    chaos.experiment(faults.CacheLoss("cache", how="kill")).assert_held()


def test_cache_flush(chaos: Chaos) -> None:
    """An emptied cache fills again without a stampede on the database."""
    chaos.experiment(faults.CacheLoss("cache", how="flush")).assert_held()


def test_cache_hangs(chaos: Chaos) -> None:
    """The system goes on without a cache that accepts and never answers, and does not wait for it."""
    chaos.experiment(faults.CacheLoss("cache", how="hang")).assert_held()
