"""100,000 users: players are always online, also during a deploy."""

import pytest

from chaoskit import Chaos, faults

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="100,000 users")]


def test_mid_deploy_restart(chaos: Chaos) -> None:
    """A new release is rolled out, one new instance dies while it starts, and players do not notice."""
    chaos.experiment(faults.MidDeployRestart("api", version_path="/release")).assert_held()
