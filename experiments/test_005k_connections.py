"""5,000 users: the database's connections run out."""

import pytest

from chaoskit import Chaos, faults

pytestmark = [pytest.mark.docker, pytest.mark.chaos(stage="5,000 users")]


def test_connection_exhaustion(chaos: Chaos) -> None:
    """A client takes every connection of the database, and players do not notice."""
    chaos.experiment(faults.ConnectionExhaustion("postgres")).assert_held()


def test_leaking_report_tool(chaos: Chaos) -> None:
    """A reporting tool that leaks connections is refused at its own limit, long before the database's
    limit.
    """
    leak = faults.ConnectionExhaustion("postgres", user="reports", password="reports", limit=20)
    chaos.experiment(leak).assert_held()


def test_runaway_statements(chaos: Chaos) -> None:
    """The server ends statements that would never end, before they take all connections."""
    runaway = faults.ConnectionExhaustion("pgbouncer", by="statements", per_s=1.5, ends_within=2.0)
    chaos.experiment(runaway, active=14.0).assert_held()
