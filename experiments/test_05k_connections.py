"""5,000 users: the database's connections run out."""

import pytest

from chaoskit import Chaos, faults

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="5,000 users")]


def test_connection_exhaustion(chaos: Chaos) -> None:
    """Somebody takes every connection of the database; players do not notice."""
    chaos.experiment(faults.ConnectionExhaustion("postgres")).assert_held()
