"""The reference system end to end: it holds when hardened, and its mutants are caught."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaoskit import Chaos, Verdict
from chaoskit.environment import Environment
from chaoskit.report.terminal import explain
from chaoskit.setup import environment_for
from experiments.demo import STEPS, Step
from fixtures.marketplace.system import MUTANTS, marketplace

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def hardened() -> Iterator[Environment]:
    """The marketplace with all of its mitigations, for several experiments."""
    place = environment_for(marketplace)
    yield place
    place.close()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_the_hardened_system_holds(step: Step, hardened: Environment, tmp_path: Path) -> None:
    """With every mitigation in place each journey keeps its promises."""
    Chaos(hardened, step.name, tmp_path).experiment(step.fault).assert_held()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.mutant)
def test_a_mutant_is_caught_for_the_right_reason(step: Step, tmp_path: Path) -> None:
    """Without one mitigation the journey that depends on it breaks the promise that names the reason."""
    place = environment_for(marketplace.with_environment(**MUTANTS[step.mutant]))
    try:
        conclusion = Chaos(place, step.mutant, tmp_path).experiment(step.fault)
    finally:
        place.close()
    conclusion.assert_broken(step.breaks, step.promise)
    assert conclusion.verdict is Verdict.BROKEN, explain(conclusion.result)
