"""The environment that experiments share: started once, reset in between, rebuilt where necessary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chaoskit.errors import DeclarationError, RuntimeFailure
from chaoskit.record.history import History
from chaoskit.runtime import Toxic
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import RunningSystem
from tests.simulation import SYSTEM, Simulation, browse, hardened


def test_it_starts_once_and_at_its_first_use(tmp_path: Path) -> None:
    """An unused environment starts nothing; two resets use the same runtime."""
    simulation = Simulation(hardened, tmp_path)
    assert simulation.runtimes == []
    assert not simulation.environment.reset().rebuilt
    assert not simulation.environment.reset().rebuilt
    assert len(simulation.runtimes) == 1


def test_a_wrong_declaration_starts_nothing(tmp_path: Path) -> None:
    """The mistakes of a declaration are reported before anything starts."""
    wrong = replace(SYSTEM, journeys=(replace(browse, terms=replace(browse.terms, rate=0, needs=("x",))),))
    simulation = Simulation(hardened, tmp_path, wrong)
    with pytest.raises(DeclarationError) as raised:
        simulation.environment.reset()
    assert len(raised.value.mistakes) == 2
    assert simulation.runtimes == []


def test_a_reset_takes_everything_off_and_starts_what_is_down(tmp_path: Path) -> None:
    """Whatever a test left behind, the next test finds bare links and running components."""
    simulation = Simulation(hardened, tmp_path)
    simulation.environment.reset()
    (runtime,) = simulation.runtimes
    link = runtime.links[1]
    runtime.add_toxic(link, Toxic("slow", "latency", "downstream", {"latency": 1.0}))
    runtime.cut(link, "hang")
    runtime.kill("cache")
    runtime.pause("api")
    assert not simulation.environment.reset().rebuilt
    assert runtime.toxics(link) == ()
    assert runtime.cuts() == {}
    assert {runtime.state(each.name).status for each in runtime.components} == {"running"}


def test_a_component_that_has_done_its_work_is_not_started_again(tmp_path: Path) -> None:
    """A migration runs once: a reset does not restart a component that ended well."""

    class Finished(MemoryRuntime):
        def stop(self, component: str, timeout: float = 10.0) -> None:
            super().stop(component, timeout)
            self._states[component] = replace(self._states[component], exit_code=0)

        def wait_ready(self, components: object = None, timeout: float = 60.0) -> None:
            pass

    simulation = Simulation(hardened, tmp_path, kind=Finished)
    simulation.environment.reset()
    simulation.runtimes[0].stop("cache")
    simulation.environment.reset()
    assert simulation.runtimes[0].state("cache").status == "exited"


def test_components_with_a_memory_are_restarted_and_the_hook_is_called(tmp_path: Path) -> None:
    """A reset restarts the components that the system names and calls its hook, but not before the
    first use.
    """
    called: list[RunningSystem] = []
    system = replace(SYSTEM, restart_on_reset=("api",), reset=called.append)
    simulation = Simulation(hardened, tmp_path, system)
    simulation.environment.reset()
    assert called == []
    simulation.environment.reset()
    assert called == [simulation.runtimes[0]]
    assert "restart api" in simulation.runtimes[0].log


@pytest.mark.parametrize("error", [RuntimeFailure("no"), ValueError("no")])
def test_an_environment_that_does_not_recover_is_rebuilt_and_says_why(
    tmp_path: Path, error: Exception
) -> None:
    """A hook that fails, with whatever error, costs the environment and not the next verdict."""

    def fails(running: RunningSystem) -> None:
        raise error

    simulation = Simulation(hardened, tmp_path, replace(SYSTEM, reset=fails))
    simulation.environment.reset()
    reset = simulation.environment.reset()
    assert reset.rebuilt
    assert reset.why
    assert any(reset.why in line for line in simulation.said)
    assert simulation.runtimes[0].log[-1] == "close"


def test_a_start_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A runtime that fails to start is closed."""

    class Broken(MemoryRuntime):
        def start(self) -> None:
            raise RuntimeFailure("no engine")

    simulation = Simulation(hardened, tmp_path, kind=Broken)
    with pytest.raises(RuntimeFailure):
        simulation.environment.reset()
    assert simulation.runtimes[0].log == ["close"]


def test_each_load_has_a_seed_of_its_own_and_the_same_in_every_run(tmp_path: Path) -> None:
    """The users of a second experiment have other keys than those of the first, and a run can be repeated."""
    seeds = []
    for _ in range(2):
        simulation = Simulation(hardened, tmp_path)
        for _ in range(3):
            simulation.environment.traffic(History())
        seeds.append(simulation.seeds)
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3
