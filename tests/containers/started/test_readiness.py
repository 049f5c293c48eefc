"""What readiness waits for, and what the error says if it does not come."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from chaoskit.clock import ManualClock
from chaoskit.containers.started.readiness import ReadinessLook, obstacle, wait
from chaoskit.errors import NotReady
from chaoskit.runtime import State

UP = State("running")


@pytest.mark.parametrize(
    ("look", "condition"),
    [
        (ReadinessLook(UP), None),
        (ReadinessLook(State("running", health="healthy")), None),
        (ReadinessLook(State("running", health="starting")), "health check"),
        (ReadinessLook(State("running", health="unhealthy")), "health check"),
        (ReadinessLook(UP, absent=(5432, 8000)), "ports 5432, 8000"),
        (ReadinessLook(State("created")), "it runs"),
        (ReadinessLook(State("missing")), "it runs"),
        (ReadinessLook(State("paused")), "it runs"),
        (ReadinessLook(State("restarting", exit_code=1), restart="always"), "it runs"),
        (ReadinessLook(State("exited", exit_code=0), absent=(80,)), None),
        (ReadinessLook(State("exited", exit_code=0), restart="on-failure"), None),
        (ReadinessLook(State("exited", exit_code=0), restart="always"), "it runs"),
    ],
)
def test_what_counts_as_ready(look: ReadinessLook, condition: str | None) -> None:
    """A component is ready if it runs, is healthy and listens, or ended well and is not to be restarted."""
    found = obstacle(look)
    assert (found is None) if condition is None else (found is not None and condition in found.condition)


@pytest.mark.parametrize(
    ("restart", "hopeless"),
    [("no", True), ("on-failure", False), ("always", False), ("unless-stopped", False)],
)
def test_a_crash_without_a_restart_policy_is_not_waited_for(restart: str, hopeless: bool) -> None:
    """A component that nothing restarts fails at once instead of at the limit."""
    found = obstacle(ReadinessLook(State("exited", exit_code=3), restart=restart))
    assert found is not None
    assert found.hopeless is hopeless


def test_the_wait_ends_when_the_last_component_is_ready() -> None:
    """The wait returns at the first look at which nothing is missing."""
    clock = ManualClock()

    def look() -> Mapping[str, ReadinessLook]:
        return {"db": ReadinessLook(UP, absent=() if clock.now() >= 3 else (5432,)), "api": ReadinessLook(UP)}

    wait(look, clock, 10, lambda name: "")
    assert 3 <= clock.now() < 3.1


def test_the_error_at_the_limit_says_everything_an_operator_asks() -> None:
    """It has the component, condition, limit, state, other waiting components and last output."""
    clock = ManualClock()
    seen = {
        "db": ReadinessLook(State("running", health="unhealthy", restarts=2)),
        "api": ReadinessLook(UP, absent=(8000,)),
        "cache": ReadinessLook(UP),
    }
    with pytest.raises(NotReady) as caught:
        wait(lambda: seen, clock, 5, lambda name: f"{name} says: no space left on device")
    text = str(caught.value)
    for part in (
        "db is not ready: waited until its health check passes",
        "5 s",
        "running, health unhealthy, restarted 2 times",
        "api (until it listens on port 8000)",
        "db says: no space left on device",
    ):
        assert part in text
    assert "cache" not in text
    assert clock.now() == pytest.approx(5)


def test_a_hopeless_component_ends_the_wait_at_once() -> None:
    """The error has its exit code and that it ran out of memory, and no time passes."""
    clock = ManualClock()
    dead = ReadinessLook(State("exited", exit_code=137, out_of_memory=True))
    with pytest.raises(NotReady, match="worker has ended") as caught:
        wait(lambda: {"api": ReadinessLook(UP, absent=(1,)), "worker": dead}, clock, 60, lambda name: "")
    assert "exit code 137, killed because it ran out of memory" in str(caught.value)
    assert clock.now() == 0


def test_the_wait_can_be_interrupted() -> None:
    """A failure of Compose ends the wait, although no component has failed."""
    clock = ManualClock()

    def interrupted() -> None:
        raise RuntimeError("compose failed")

    with pytest.raises(RuntimeError, match="compose failed"):
        wait(
            lambda: {"api": ReadinessLook(State("missing"))},
            clock,
            60,
            lambda name: "",
            interrupted=interrupted,
        )
