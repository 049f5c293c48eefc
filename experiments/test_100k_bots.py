"""100,000 users: bots come, and they do not hold back."""

import pytest

from chaoskit import Chaos, faults

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="100,000 users")]


def test_bot_flood(chaos: Chaos) -> None:
    """The gateway refuses a few bots that ask for all they can get, and players do not notice."""
    flood = faults.BotFlood("gateway", rate_per_s=2000, clients=20, path="/listings?page=1")
    chaos.experiment(flood).assert_held()


def test_distributed_bot_flood(chaos: Chaos) -> None:
    """Many bots, each slow enough for the gateway, use up the visitors' budget of searches and no more."""
    flood = faults.BotFlood("gateway", rate_per_s=300, clients=600, path="/search?q=sword", behind=None)
    chaos.experiment(flood).assert_held()
