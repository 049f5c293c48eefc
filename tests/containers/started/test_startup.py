"""The ports that a start waits for, and the part of Compose's output that an error shows."""

from __future__ import annotations

from chaoskit.containers.started.startup import _last_lines, expected_ports
from chaoskit.interpose import Interposed, Placed
from chaoskit.system import HARNESS, OUTSIDE, Component, Link


def test_only_declared_ports_are_waited_for() -> None:
    """Published and exposed ports count; ports that an image or another's environment suggests do not."""

    def placed(consumer: str, provider: str, port: int) -> Placed:
        return Placed(Link(consumer, provider, port), "toxiproxy-1", "", "")

    interposed = Interposed(
        compose={},
        components=(Component("web", "web"), Component("db", "db"), Component("side", "side")),
        placed=(
            placed(OUTSIDE, "web", 80),
            placed(HARNESS, "web", 9999),
            placed("web", "db", 5432),
            placed("web", "db", 33060),
        ),
        routes=(),
        services={},
        toxiproxies=("toxiproxy-1",),
        spares={},
        entries={},
        harness={},
        warnings=(),
    )
    config = {
        "services": {
            "web": {},
            "db": {"expose": ["5432/tcp", "53/udp", "8000-8010"]},
            "side": {"expose": ["1"], "network_mode": "service:web"},
        }
    }
    assert expected_ports(interposed, config) == {"web": {80}, "db": {5432}}


def test_composes_progress_is_left_out_of_its_last_words() -> None:
    """The reason of the failure remains; progress is shown only if there is nothing else."""
    said = b" Network x_default  Creating\n Container x-db-1  Error\ndependency failed: x-db-1 exited (1)\n"
    assert _last_lines(said) == "dependency failed: x-db-1 exited (1)"
    assert _last_lines(b" Container x-db-1  Starting\n") == "Container x-db-1  Starting"
