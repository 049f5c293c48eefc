"""Faults of a component, on a runtime in memory."""

from __future__ import annotations

import pytest

from chaoskit.errors import FaultMisfit
from chaoskit.faults import CacheLoss, ConnectionExhaustion, Kill, Pause, Restart
from chaoskit.faults.base import Fault, check
from chaoskit.runtime.memory import MemoryRuntime


@pytest.fixture
def runtime() -> MemoryRuntime:
    """A small system in memory, started."""
    made = MemoryRuntime(["api-1=api", "api-2=api", "cache"], [("api-1", "cache", 11211)])
    made.start()
    return made


@pytest.mark.parametrize(
    "fault",
    [
        Kill("api"),
        Pause("api-1"),
        CacheLoss("cache", how="kill"),
        CacheLoss("cache"),
        CacheLoss("cache", how="hang"),
    ],
    ids=lambda fault: fault.name,
)
def test_a_fault_lands_and_is_gone_after_the_lift(runtime: MemoryRuntime, fault: Fault) -> None:
    """There is evidence of landing only while the fault is there, and of being gone only after the lift."""
    steps = fault.undo(runtime)
    injection = fault.inject(runtime)
    assert injection.landed().holds
    assert not injection.gone().holds
    injection.lift()
    assert not injection.landed().holds
    assert injection.gone().holds
    injection = fault.inject(runtime)
    for step in steps:
        runtime.undo(step)
    assert injection.gone().holds


def test_a_restart_is_seen_by_a_new_start_time(runtime: MemoryRuntime) -> None:
    """A restart has landed when the engine tells a new start time for every component of the fault."""
    injection = Restart("api").inject(runtime)
    assert injection.landed().holds
    assert injection.gone().holds


def test_a_lift_may_be_repeated(runtime: MemoryRuntime) -> None:
    """Lifting twice starts nothing twice."""
    injection = Kill("cache").inject(runtime)
    injection.lift()
    injection.lift()
    assert runtime.log.count("start cache") == 2  # once when the system started, once at the lift


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Kill("chache"), "there are api-1, api-2, cache"),
        (CacheLoss("cache", how="melt"), "'melt' is not one of flush, down"),  # type: ignore[arg-type]
        (CacheLoss("cache", how="flush"), "serves no port 6379"),
        (CacheLoss("api-1", how="down"), "nothing is linked to api-1"),
        (ConnectionExhaustion("cache"), "serves no port 5432"),
        (ConnectionExhaustion("api"), "api-1, api-2; name one of them"),
        (ConnectionExhaustion("cache", spare=-1), "zero or more"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_misfit_is_refused_before_anything_happens(runtime: MemoryRuntime, fault: Fault, says: str) -> None:
    """A fault that does not fit says why and what would fit, and touches nothing."""
    before = list(runtime.log)
    with pytest.raises(FaultMisfit, match=says):
        check(fault, runtime)
    assert runtime.log == before
