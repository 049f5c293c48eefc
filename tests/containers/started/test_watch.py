"""How often a component is read: at any moment while it may change, and rarely otherwise."""

from __future__ import annotations

import pytest

from chaoskit.containers.engine.sockets import Sockets
from chaoskit.containers.started.watch import (
    CALM_INTERVAL,
    LONGEST_READING_INTERVAL,
    READING_COST_MULTIPLE,
    WatchedComponent,
)

NOW = 1000.0
DB = frozenset({5432})


class Still:
    """A reader of a namespace whose sockets change, or do not."""

    def __init__(self, changed: bool) -> None:
        self._changed = changed

    def changed(self) -> bool:
        """The given answer."""
        return self._changed

    def read(self, served: frozenset[int]) -> Sockets | None:
        """Not tested here."""
        raise NotImplementedError


@pytest.mark.parametrize(
    ("age", "served", "listening", "patience"),
    [
        (0.5, DB, DB, 0.0),  # an event has just come
        (5.0, DB, DB, CALM_INTERVAL),
        (60.0, DB, DB, 4 * CALM_INTERVAL),
        (60.0, DB, frozenset[int](), 0.0),  # it no longer listens, and may listen again at any moment
        (5.0, frozenset[int](), frozenset[int](), 0.0),  # still starting
        (60.0, frozenset[int](), frozenset[int](), 4 * CALM_INTERVAL),  # a worker, which serves no port
    ],
)
def test_patience_is_for_those_with_nothing_to_show(
    age: float, served: frozenset[int], listening: frozenset[int], patience: float
) -> None:
    """A component that may start or stop listening is read at once when its sockets change."""
    watched = WatchedComponent(served=served, sockets=Sockets(listening), moved_at=NOW - age)
    assert watched.patience(NOW) == patience


def test_reading_never_takes_more_than_its_share() -> None:
    """If reading the kernel's table takes long, it is read less often."""
    assert WatchedComponent(moved_at=NOW, cost=0.02).patience(NOW) == pytest.approx(
        READING_COST_MULTIPLE * 0.02
    )


def test_what_has_not_changed_is_read_now_and_then_only() -> None:
    """Counters miss a socket that replaces another, so an unchanged component is still read occasionally."""
    quiet = WatchedComponent(
        reader=Still(False), moved_at=NOW - 60, read_at=NOW - LONGEST_READING_INTERVAL + 0.1
    )
    assert not quiet.due(NOW)
    assert quiet.due(NOW + 0.2)
    assert WatchedComponent(reader=Still(True), moved_at=NOW - 60, read_at=NOW - 2).due(NOW)
    assert not WatchedComponent(moved_at=NOW).due(NOW)
