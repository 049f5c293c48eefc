"""The reference system end to end: it holds when hardened, and mutants are caught (all: make matrix)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaoskit import Chaos
from chaoskit.experiment.environment import Environment
from chaoskit.factories import environment_for
from chaoskit.mutants import Mutant, detect, text
from experiments.catalogue import experiments, failures
from experiments.demo import SHOWN
from fixtures.marketplace.mutants import MUTANTS
from fixtures.marketplace.system import marketplace

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def hardened() -> Iterator[Environment]:
    """The marketplace with all of its mitigations, for several experiments."""
    place = environment_for(marketplace)
    yield place
    place.close()


@pytest.mark.parametrize("name", failures())
def test_the_hardened_system_holds(name: str, hardened: Environment, tmp_path: Path) -> None:
    """With every mitigation in place each journey keeps its promises, in one environment for all."""
    experiments()[name](Chaos(hardened, name, tmp_path))


@pytest.mark.parametrize(
    "mutant", [each for each in MUTANTS if each.name in SHOWN], ids=lambda mutant: mutant.name
)
def test_a_mutant_is_caught_for_the_right_reason(mutant: Mutant, tmp_path: Path) -> None:
    """Without one mitigation just that breaks which was written down beside the mutant."""
    trials = detect(marketplace, experiments(), [mutant], environment_for, tmp_path, hardened=False)
    assert all(trial.right for trial in trials), text(trials)


def test_every_mutant_has_an_experiment() -> None:
    """So that `make matrix` can start, and no mitigation is left out of it."""
    caught = {catch.experiment for mutant in MUTANTS for catch in mutant.caught}
    assert caught <= set(experiments())
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) == 16  # README.md and the Makefile say so
