"""A guest's environment is reset by taking back what was done, and is never rebuilt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chaoskit import factories
from chaoskit.errors import NotReady, UsageError
from chaoskit.experiment.environment import Draft
from chaoskit.factories import AttachedEnvironment
from chaoskit.faults import Kill, Latency
from chaoskit.faults.base import check
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import ANY, OUTSIDE, Link
from tests.simulation import SYSTEM, Simulation, hardened


class Visited(MemoryRuntime):
    """A system in memory that is attached to."""

    def revive(self) -> None:
        """What was taken down is started."""
        self._do("revive")


@pytest.fixture
def runtime() -> Visited:
    """A system with a component that its owner has stopped."""
    made = Visited(["api", "cache"], [("outside", "api", 80), ("api", "cache", 6379)], entry="api:80")
    made.start()
    return made


@pytest.fixture
def environment(runtime: Visited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AttachedEnvironment:
    """The environment over it; its declaration asks for more than a guest may do."""
    monkeypatch.setattr(factories, "AttachedRuntime", Visited)

    def never(wanted: object) -> None:
        raise AssertionError("the reset hook was called")

    return AttachedEnvironment(
        replace(SYSTEM, restart_on_reset=("api",), reset=never),
        lambda system: Draft(runtime.components, tuple(runtime.entries), lambda: runtime),
        lambda *args: pytest.fail("no load is made here"),
        state=lambda run_id: tmp_path / "undo.jsonl",
    )


def test_a_reset_takes_back_and_restarts_nothing(environment: AttachedEnvironment, runtime: Visited) -> None:
    """Neither ``restart_on_reset`` nor the reset hook is for somebody else's system."""
    environment.reset()
    runtime.log.clear()
    assert not environment.reset().rebuilt
    assert runtime.log == ["reset_links", "revive"]


def test_what_its_owner_has_stopped_is_not_started(
    environment: AttachedEnvironment, runtime: Visited
) -> None:
    """Whatever the environment does between two experiments."""
    environment.reset()
    runtime.kill("cache")
    with pytest.raises(NotReady, match="not this run's to start anew"):
        environment.reset()
    assert runtime.state("cache").status == "exited"


def test_a_poisoned_one_says_so_and_stays_poisoned(
    environment: AttachedEnvironment, runtime: Visited
) -> None:
    """It is not closed and started again, and no later experiment slips through."""
    environment.reset()
    environment.poison("Latency was not seen to be gone")
    for _ in range(2):
        with pytest.raises(NotReady) as raised:
            environment.reset()
        assert raised.value.evidence == "Latency was not seen to be gone"
    assert "close" not in runtime.log


def test_what_may_not_be_touched_is_refused_before_it_is_injected(tmp_path: Path) -> None:
    """And the environment is as good as before: nothing was done."""
    simulation = Simulation(hardened, tmp_path)
    simulation.environment.reset()
    (runtime,) = simulation.runtimes
    runtime.refuses["permit"] = "cache may not be touched"
    runtime.log.clear()
    with pytest.raises(UsageError, match="may not be touched"):
        check(Kill("cache"), runtime)
    assert runtime.log == []


def test_a_link_of_which_nobody_knows_the_consumer_concerns_everyone() -> None:
    """Any journey that uses what is behind it may be hit by its fault."""
    runtime = MemoryRuntime(["api", "web", "cache"], [(ANY, "cache", 6379)])
    assert runtime.links == (Link(ANY, "cache", 6379),)
    impact = Latency("→cache").impact(runtime)
    assert impact.hampered == {(OUTSIDE, "cache"), ("api", "cache"), ("web", "cache")}
