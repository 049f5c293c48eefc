"""A fault that no request can meet proves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaoskit.chaos import Chaos
from chaoskit.experiment.exercise import hit_links
from chaoskit.faults import CutLink
from chaoskit.judge import Verdict
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import OUTSIDE, Impact, Link
from tests.simulation import Simulation, hardened

WEB, API, CACHE, JOBS = (
    Link(OUTSIDE, "web", 80),
    Link("web", "api", 80),
    Link("api", "cache", 6379),
    Link("worker", "queue", 6379),
)


@pytest.mark.parametrize(
    ("impact", "hit"),
    [
        (Impact(lost=frozenset({"cache"})), {CACHE}),
        (Impact(strained=frozenset({"api"})), {API, CACHE}),
        (Impact(lost=frozenset({"worker"})), {JOBS}),
        (Impact(severed=frozenset({("web", "api")})), {API}),
        (Impact(hampered=frozenset({(OUTSIDE, "web")})), {WEB}),
        (Impact(), set()),
    ],
)
def test_an_impact_concerns_the_links_of_what_it_hits(impact: Impact, hit: set[Link]) -> None:
    """A component takes all of its links along, in both directions; a pair only its own."""
    assert set(hit_links(impact, [WEB, API, CACHE, JOBS])) == hit


class Idle(MemoryRuntime):
    """A system in which no request goes over the link to the cache."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, (lambda links: 0) if name == "asked" else value)


def test_a_fault_on_a_link_that_carries_nothing_is_unknown(tmp_path: Path) -> None:
    """A fault that no request can meet puts no promise to the test: UNKNOWN, naming the link."""
    simulation = Simulation(lambda journey, at, runtime: (0.02, True), tmp_path, kind=Idle)
    conclusion = Chaos(simulation.environment, "one", tmp_path).experiment(CutLink("api→cache"))
    assert conclusion.verdict is Verdict.UNKNOWN
    assert conclusion.result.judgement.findings[0].reason == (
        "never exercised: in the control window no request went over api→cache:6379, so no request could "
        "meet the fault"
    )


def test_what_was_counted_is_in_the_journal(tmp_path: Path) -> None:
    """The mark has the number of requests and the links, for whoever reads the journal later."""
    simulation = Simulation(hardened, tmp_path)
    record = Chaos(simulation.environment, "one", tmp_path).experiment(CutLink("api→cache")).result.record
    (mark,) = [each for each in record["history"]["marks"] if each["name"] == "exercised"]
    assert mark["detail"]["requests"] > 0
    assert mark["detail"]["links"] == ["api→cache:6379"]
