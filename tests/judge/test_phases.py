"""When the phases were."""

from __future__ import annotations

from chaoskit.judge.phases import Phases, phases
from chaoskit.record.history import Mark
from tests.judge.histories import marks


def of(*pairs: tuple[str, float]) -> Phases:
    """The phases of these marks, the last arrival being at 100 s."""
    return phases([Mark(name, at) for name, at in pairs], 100.0)


def test_one_fault() -> None:
    """Each phase begins with its mark."""
    found = phases(marks(), 24.375)
    assert found == Phases(control=0.0, inject=6.0, landed=6.5, lift=12.5, calm=12.5, gone=12.75, end=24.375)


def test_two_faults_at_once() -> None:
    """All are active from the last landing to the first lifting; calm begins with the last lifting."""
    found = of(
        ("inject", 1), ("landed", 2), ("inject", 3), ("landed", 4),
        ("lift", 5), ("gone", 6), ("lift", 7), ("gone", 8),
    )  # fmt: skip
    assert (found.inject, found.landed, found.lift, found.calm, found.gone) == (1, 4, 5, 7, 8)


def test_one_fault_after_the_other() -> None:
    """The fault window ends with the first lifting, so it is that of the first fault."""
    found = of(
        ("inject", 1), ("landed", 2), ("lift", 3), ("gone", 4),
        ("inject", 5), ("landed", 6), ("lift", 7), ("gone", 8),
    )  # fmt: skip
    assert (found.landed, found.lift, found.calm, found.gone) == (2, 3, 7, 8)


def test_a_fault_of_two_that_never_landed() -> None:
    """Evidence for one of two faults is not enough, neither that they landed nor that they are gone."""
    found = of(("inject", 1), ("landed", 2), ("inject", 3), ("lift", 5), ("gone", 6), ("lift", 7))
    assert (found.landed, found.gone) == (None, None)


def test_observation_ends_with_the_last_arrival() -> None:
    """The end mark may come after the last requests were waited for."""
    assert of(("end", 200)).end == 100.0
    assert of(("end", 50)).end == 50.0
    assert of().end == 100.0
