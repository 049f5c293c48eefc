"""The independence matrix of experiments in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaoskit.chaos import Chaos
from chaoskit.experiment.result import Result
from chaoskit.faults import CacheLoss
from chaoskit.judge import relation
from chaoskit.report import independence, terminal
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import Component, Impact, Slo, Terms
from tests.simulation import Answer, Behaviour, Simulation, hardened


def result(tmp_path: Path, behaviour: Behaviour = hardened) -> Result:
    """The result of one experiment without the cache."""
    environment = Simulation(behaviour, tmp_path).environment
    return Chaos(environment, "cache", tmp_path).experiment(CacheLoss("cache")).result


def test_each_cell_has_what_was_declared_and_what_was_seen(tmp_path: Path) -> None:
    """A journey that uses the cache degrades, one that does neither holds, one that needs it fails."""
    (row,) = independence.rows_of([result(tmp_path)])
    assert {name: cell.text for name, cell in row.cells.items()} == {
        "browse": "uses: degraded",
        "search": "neither: held",
        "buy": "needs: failed",
    }


def test_an_unexpected_coupling_is_named(tmp_path: Path) -> None:
    """A journey that breaks under a fault in something that it does not use is coupled to it."""

    def coupled(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
        return hardened("buy" if journey == "search" else journey, at, runtime)

    (row,) = independence.rows_of([result(tmp_path, coupled)])
    assert row.cells["search"].text == "neither: broken (coupled)"


def test_an_unexpected_survival_is_pointed_out(tmp_path: Path) -> None:
    """A journey that holds without something that it declares as needed declares too much."""
    (row,) = independence.rows_of([result(tmp_path, lambda *_: (0.02, True))])
    assert row.cells["buy"].text == "needs: held (survived)"
    assert row.cells["browse"].text == "uses: held"


def test_an_experiment_without_steady_state_says_nothing(tmp_path: Path) -> None:
    """Every cell of such an experiment is unknown."""
    (row,) = independence.rows_of([result(tmp_path, lambda *_: (0.02, False))])
    assert {cell.seen for cell in row.cells.values()} == {"unknown"}


def test_the_matrix_is_written_as_json_and_as_a_table(tmp_path: Path) -> None:
    """A program reads the same cells as people."""
    found = result(tmp_path)
    record = json.loads(independence.write(tmp_path, [found]).read_text())
    (experiment,) = record["experiments"]
    assert experiment["journeys"]["browse"] == {
        "declared": "uses",
        "standing": "degraded",
        "seen": "degraded",
        "note": "",
    }
    heading, line = terminal.matrix([found]).splitlines()
    assert heading.split() == ["experiment", "browse", "search", "buy"]
    assert "uses: degraded" in line


API, CACHE, DB = (Component(name, name) for name in ("api", "cache", "db"))


@pytest.mark.parametrize(
    ("impact", "declared"),
    [
        (Impact(lost=frozenset({"api"})), "needs"),
        (Impact(strained=frozenset({"cache"})), "uses"),
        (Impact(lost=frozenset({"db"})), "neither"),
        (Impact(severed=frozenset({("api", "cache")})), "uses"),
        (Impact(hampered=frozenset({("api", "db")})), "neither"),
        (Impact(severed=frozenset({("outside", "api")})), "needs"),
    ],
)
def test_a_severed_link_concerns_a_journey_only_by_both_ends(impact: Impact, declared: str) -> None:
    """A link to a component that the journey neither needs nor uses does not concern it."""
    terms = Terms(name="browse", rate=1, slo=Slo(), needs=("api",), uses=("cache",))
    assert relation(terms, (API, CACHE, DB), impact) == declared
