"""From a measurement with nothing at fault to a first SLO."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.starter.model import Calm
from chaoskit.starter.objective import objective, readable, steady
from chaoskit.system import Slo
from chaoskit.system.mistakes import _slo_mistakes


def calm(p95: float, failed: int = 0, samples: int = 50) -> Calm:
    """A measurement."""
    return Calm(seconds=5.0, samples=samples, failed=failed, p50=p95 / 2, p95=p95)


@pytest.mark.parametrize(
    ("seconds", "figure"), [(0.0, 0.0), (0.3, 0.3), (0.31, 0.4), (0.061, 0.08), (1.2, 1.5), (7, 8), (9, 10)]
)
def test_figures_are_those_that_people_write(seconds: float, figure: float) -> None:
    """A bound is rounded up to a short figure, and a short figure stays."""
    assert readable(seconds) == figure


@given(st.floats(1e-4, 1e4))
def test_rounding_never_tightens(seconds: float) -> None:
    """A readable figure is at or above the measured one, and not far above it."""
    assert seconds * (1 - 1e-6) <= readable(seconds) <= 1.51 * seconds


@given(st.floats(0.0, 30.0), st.integers(0, 20), st.floats(0.0, 300.0))
def test_every_objective_is_a_valid_slo(p95: float, failed: int, ready_after: float) -> None:
    """Whatever was measured, the SLO has no mistake, and the degraded one is not tighter."""
    made = objective(calm(p95, failed), ready_after)
    slo = Slo(availability=made.availability, p95=made.p95, recovery=made.recovery)
    assert not _slo_mistakes(slo)
    assert made.degraded_p95 >= made.p95
    assert made.recovery >= min(ready_after, 30)


def test_a_fast_system_is_not_held_to_milliseconds() -> None:
    """A p95 of 10 ms leads to an objective of 0.3 s, and one of 0.2 s to three times that."""
    assert objective(calm(0.010), 2.0).p95 == 0.3
    assert objective(calm(0.2), 2.0).p95 == 0.6


def test_failures_with_nothing_at_fault_lower_the_objective() -> None:
    """If 92% succeeded, the objective is 87%; a slow start allows a longer recovery."""
    shares = [objective(calm(0.01, failed), 2.0).availability for failed in range(30)]
    assert shares[0] == 0.99
    assert shares[4] == 0.87
    assert all(one >= other for one, other in pairwise(shares))
    assert objective(calm(0.01), 43.0).recovery == 90


@pytest.mark.parametrize(("failed", "samples", "is_steady"), [(0, 50, True), (20, 50, True), (21, 50, False)])
def test_without_success_there_is_no_objective(failed: int, samples: int, is_steady: bool) -> None:
    """An entry that fails most requests with nothing at fault gets no journey."""
    assert steady(calm(0.01, failed, samples)) is is_steady
    assert not steady(calm(0.01, 0, 0))
