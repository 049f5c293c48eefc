"""50,000 users: reads come from a replica that lags behind."""

import pytest

from chaoskit import Chaos, faults

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="50,000 users")]


def test_replica_lag(chaos: Chaos) -> None:
    """While the replica lags, no player sees an old state of their own orders."""
    chaos.experiment(faults.ReplicaLag("replica", at_least=2.0)).assert_held()
