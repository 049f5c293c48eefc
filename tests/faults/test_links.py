"""Faults of a link, on a runtime in memory."""

from __future__ import annotations

import pytest

from chaoskit.errors import FaultMisfit
from chaoskit.faults import Bandwidth, CutLink, Latency, Reset
from chaoskit.faults.base import Fault, check
from chaoskit.faults.links import select
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import HARNESS


@pytest.fixture
def runtime() -> MemoryRuntime:
    """A small system in memory, started."""
    made = MemoryRuntime(
        ["api-1=api", "api-2=api", "worker", "cache"],
        [
            ("api-1", "cache", 6379),
            ("api-2", "cache", 6379),
            ("worker", "cache", 6379),
            ("worker", "cache", 9121),
            (HARNESS, "cache", 6379),
        ],
    )
    made.start()
    return made


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("api-1→cache", ["api-1→cache:6379"]),
        ("api->cache", ["api-1→cache:6379", "api-2→cache:6379"]),
        ("→cache:6379", ["api-1→cache:6379", "api-2→cache:6379", "worker→cache:6379"]),
        ("worker→cache", ["worker→cache:6379", "worker→cache:9121"]),
        ("nobody→cache", []),
        ("cache", []),
    ],
)
def test_a_pattern_means_links(runtime: MemoryRuntime, pattern: str, names: list[str]) -> None:
    """A pattern takes components, services, all consumers and a port, and never a link of the harness."""
    assert [link.name for link in select(pattern, runtime)] == names


@pytest.mark.parametrize(
    "fault",
    [
        Latency("api→cache", delay=0.2),
        Bandwidth("api→cache"),
        Reset("api→cache"),
        CutLink("api→cache"),
        CutLink("api→cache", how="silent"),
        CutLink("api→cache", how="hang"),
    ],
    ids=lambda fault: fault.name,
)
def test_a_fault_lands_and_is_gone_after_the_lift(runtime: MemoryRuntime, fault: Fault) -> None:
    """There is evidence of landing only while the fault is there, and of being gone only after the lift."""
    injection = fault.inject(runtime)
    assert injection.landed().holds
    assert not injection.gone().holds
    injection.lift()
    assert not injection.landed().holds
    assert injection.gone().holds


def test_the_undo_alone_takes_the_fault_back(runtime: MemoryRuntime) -> None:
    """What is on disk before the injection is enough to lift the fault without its process."""
    for fault in (Latency("api→cache"), CutLink("api→cache", how="silent")):
        steps = fault.undo(runtime)
        injection = fault.inject(runtime)
        for step in steps:
            runtime.undo(step)
        assert injection.gone().holds


def test_a_pattern_without_a_link_does_not_fit(runtime: MemoryRuntime) -> None:
    """A pattern that means nothing is refused, with the links that there are."""
    with pytest.raises(FaultMisfit, match="api-1→cache:6379"):
        check(CutLink("cache→api"), runtime)


def test_a_cut_severs_only_its_pairs(runtime: MemoryRuntime) -> None:
    """Cutting api→cache says nothing of worker→cache."""
    impact = CutLink("api→cache").impact(runtime)
    assert impact.severed == {("api-1", "cache"), ("api-2", "cache")}
    assert not impact.lost
