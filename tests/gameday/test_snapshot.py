"""What a look at the system tells of components and links."""

from __future__ import annotations

from pathlib import Path

from chaoskit.experiment.injector import Injector
from chaoskit.experiment.timing import Timing
from chaoskit.faults import Kill, Latency
from chaoskit.gameday.lifting import Active
from chaoskit.gameday.snapshot import ComponentLook, look
from chaoskit.record.history import History
from chaoskit.runtime.memory import MemoryRuntime
from tests.simulation import Simulation, hardened


def test_components_that_do_not_serve_come_first_and_links_are_read_back(tmp_path: Path) -> None:
    """A look has a killed component first, a toxic with its value, and a cut."""
    environment = Simulation(hardened, tmp_path).environment
    runtime = environment.runtime
    assert isinstance(runtime, MemoryRuntime)
    active = []
    for fault in (Latency("api→cache", delay=0.4), Kill("cache")):
        injector = Injector(fault, environment, History(), Timing(), runtime.clock.sleep)
        injector.prepare()
        injector.inject()
        active.append(Active(injector, 1, 0.0))
    runtime.cut(runtime.links[0], "silent")
    seen = look(runtime, active)
    assert seen.components[0].name == "cache"
    assert not seen.components[0].well
    assert seen.components[1] == ComponentLook("api", True, "running")
    assert seen.links == ("outside→api:80 cut: silent", "api→cache:6379 latency 0.4")
