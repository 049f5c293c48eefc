"""The environment of an attached system: a reset undoes what this run did, and never rebuilds."""

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
    """An attached system in memory."""

    def revive(self) -> None:
        """Start what this run has stopped."""
        self._do("revive")


@pytest.fixture
def runtime() -> Visited:
    """A system with a component that its owner has stopped."""
    made = Visited(["api", "cache"], [("outside", "api", 80), ("api", "cache", 6379)], entry="api:80")
    made.start()
    return made


@pytest.fixture
def environment(runtime: Visited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AttachedEnvironment:
    """The environment over that system; its declaration asks for more than a guest may do."""
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
    """An attached system belongs to its owner: ``restart_on_reset`` and the reset hook are left out."""
    environment.reset()
    runtime.log.clear()
    assert not environment.reset().rebuilt
    assert runtime.log == ["reset_links", "revive"]


def test_what_its_owner_has_stopped_is_not_started(
    environment: AttachedEnvironment, runtime: Visited
) -> None:
    """No reset between two experiments starts a component that its owner has stopped."""
    environment.reset()
    runtime.kill("cache")
    with pytest.raises(NotReady, match="this run may not restart it"):
        environment.reset()
    assert runtime.state("cache").status == "exited"


def test_a_poisoned_one_says_so_and_stays_poisoned(
    environment: AttachedEnvironment, runtime: Visited
) -> None:
    """A poisoned attached environment is never closed and restarted, and no later experiment runs in it."""
    environment.reset()
    environment.poison("Latency was not seen to be gone")
    for _ in range(2):
        with pytest.raises(NotReady) as raised:
            environment.reset()
        assert raised.value.evidence == "Latency was not seen to be gone"
    assert "close" not in runtime.log


def test_what_may_not_be_touched_is_refused_before_it_is_injected(tmp_path: Path) -> None:
    """The refusal comes before any action, so the environment stays as it was."""
    simulation = Simulation(hardened, tmp_path)
    simulation.environment.reset()
    (runtime,) = simulation.runtimes
    runtime.refuses["permit"] = "cache may not be touched"
    runtime.log.clear()
    with pytest.raises(UsageError, match="may not be touched"):
        check(Kill("cache"), runtime)
    assert runtime.log == []


def test_a_link_of_which_nobody_knows_the_consumer_concerns_everyone() -> None:
    """A fault on a link with an unknown consumer may reach every journey that uses the provider."""
    runtime = MemoryRuntime(["api", "web", "cache"], [(ANY, "cache", 6379)])
    assert runtime.links == (Link(ANY, "cache", 6379),)
    impact = Latency("→cache").impact(runtime)
    assert impact.hampered == {(OUTSIDE, "cache"), ("api", "cache"), ("web", "cache")}
