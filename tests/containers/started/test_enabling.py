"""Which proxies are created and switched, decided from data only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.containers.engine.sockets import Sockets
from chaoskit.containers.started.enabling import ProxySwitches
from chaoskit.interpose import Placed, Route
from chaoskit.system import HARNESS, Link

API_DB = Link("api", "db", 5432)
PLACED = Placed(API_DB, "toxiproxy-1", "10.0.0.2:5432", "10.0.1.3:5432")
ROUTES = (
    Route("api", "db", "toxiproxy-1", "10.0.0.2", "10.0.1.3"),
    Route("worker", "db", "toxiproxy-1", "10.0.2.2", "10.0.1.3"),
    Route("api", "queue", "toxiproxy-1", "10.0.0.2", "10.0.3.3"),
    Route(HARNESS, "db", "toxiproxy-1", "10.0.9.2", "10.0.1.3"),
)


def sockets(*listening: int, busy: tuple[int, ...] = ()) -> Sockets:
    """The sockets of a network namespace."""
    return Sockets(frozenset(listening), frozenset(busy))


@pytest.mark.parametrize(
    ("was", "seen", "should"),
    [
        (False, sockets(5432), True),
        (False, sockets(), False),
        (False, None, False),
        (True, sockets(5432), True),
        (True, sockets(), False),
        (True, None, False),
        (True, sockets(busy=(5432,)), True),
        (False, sockets(busy=(5432,)), False),
        (None, sockets(5432), True),
    ],
)
def test_a_proxy_is_enabled_exactly_while_its_provider_listens(
    was: bool | None, seen: Sockets | None, should: bool
) -> None:
    """It is disabled while the provider does not listen, unless the provider drains open connections."""
    wiring = ProxySwitches([PLACED], ROUTES)
    wiring.enabled[API_DB] = was
    assert wiring.changes("db", seen) == ([] if was is should else [(PLACED, should)])


def test_a_port_found_at_run_time_gets_a_proxy_for_every_consumer_but_the_harness() -> None:
    """The harness has spare published ports for that, which are used only on demand."""
    wiring = ProxySwitches([PLACED], ROUTES)
    found = wiring.new_proxies("db", sockets(5432, 9187))
    assert {(each.link, each.listen, each.upstream) for each in found} == {
        (Link("api", "db", 9187), "10.0.0.2:9187", "10.0.1.3:9187"),
        (Link("worker", "db", 5432), "10.0.2.2:5432", "10.0.1.3:5432"),
        (Link("worker", "db", 9187), "10.0.2.2:9187", "10.0.1.3:9187"),
    }
    for each in found:
        wiring.add(each, enabled=True)
    assert not wiring.new_proxies("db", sockets(5432, 9187))
    assert wiring.ports("db") == {5432, 9187}


def test_a_place_that_is_taken_is_said_once_and_not_taken_again() -> None:
    """Two providers on one port cannot share a Toxiproxy, so the second is left out with a remedy."""
    wiring = ProxySwitches([PLACED], ROUTES)
    assert not wiring.new_proxies("queue", sockets(5432))
    assert not wiring.new_proxies("queue", sockets(5432))
    (warning,) = wiring.warnings
    assert "queue listens on port 5432" in warning
    assert "expose" in warning


@given(st.frozensets(st.integers(1, 65535)))
def test_ephemeral_ports_get_no_proxy(ports: frozenset[int]) -> None:
    """An undeclared port in the range of outgoing sockets is not a service."""
    found = ProxySwitches([], ROUTES).new_proxies("queue", Sockets(ports))
    assert {each.link.port for each in found} == {port for port in ports if not 32768 <= port < 61000}
