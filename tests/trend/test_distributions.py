"""Tail probabilities, against what is known of them exactly."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge.binomial import at_least
from chaoskit.trend.distributions import beta_binomial_at_least, incomplete_beta, student_at_least


@pytest.mark.parametrize(
    ("t", "freedom", "tail"),
    [(0.0, 3, 0.5), (6.314, 1, 0.05), (2.262, 9, 0.025), (4.781, 9, 0.0005), (1.96, 1e7, 0.025)],
)
def test_students_tail_is_that_of_the_tables(t: float, freedom: float, tail: float) -> None:
    """The quantiles of any textbook come out, for few degrees of freedom and for many."""
    assert student_at_least(t, freedom) == pytest.approx(tail, rel=2e-3)
    assert student_at_least(-t, freedom) == pytest.approx(1 - tail, rel=2e-3)


def test_with_one_degree_of_freedom_it_is_cauchys() -> None:
    """A closed form is met to ten digits."""
    for t in (0.1, 1.0, 3.0, 50.0):
        assert student_at_least(t, 1.0) == pytest.approx(0.5 - math.atan(t) / math.pi, rel=1e-10)


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.integers(0, 2**30))
def test_the_incomplete_beta_function_mirrors(a: float, b: float, numerator: int) -> None:
    """I_x(a, b) and I_1-x(b, a) are one together, whichever side is summed."""
    x = numerator / 2**30  # so that 1 - x is exact: near 0, where the function is steep, rounding would show
    assert incomplete_beta(a, b, x) + incomplete_beta(b, a, 1 - x) == pytest.approx(1.0, abs=1e-9)


@given(st.floats(0.1, 50), st.floats(0, 1))
def test_with_one_for_a_parameter_it_is_a_power(a: float, x: float) -> None:
    """I_x(a, 1) is x to the a, however close to 0 x is, and I_x(1, a) the rest of its mirror image."""
    assert incomplete_beta(a, 1, x) == pytest.approx(x**a, rel=1e-9, abs=1e-300)
    assert incomplete_beta(1, a, x) == pytest.approx(
        -math.expm1(a * math.log1p(-x)) if x < 1 else 1, abs=1e-9
    )


@given(st.integers(1, 300), st.floats(0.05, 20), st.floats(0.05, 200))
def test_beta_binomial_tails_are_probabilities(samples: int, a: float, b: float) -> None:
    """From certain to impossible, and never more for one more bad request."""
    tails = [beta_binomial_at_least(bad, samples, a, b) for bad in range(samples + 2)]
    assert tails[0] == 1.0
    assert tails[1] == pytest.approx(1 - math.exp(_log_none(samples, a, b)), abs=1e-9)
    assert tails[-1] == 0.0
    assert all(one >= other - 1e-12 for one, other in pairwise(tails))


def _log_none(samples: int, a: float, b: float) -> float:
    """The logarithm of the probability that no request is bad."""
    return math.lgamma(b + samples) - math.lgamma(b) + math.lgamma(a + b) - math.lgamma(a + b + samples)


def test_without_spread_between_nights_it_is_binomial() -> None:
    """As the night's share becomes certain, the judge's own exact test is what remains."""
    sure = 1e7
    assert beta_binomial_at_least(6, 160, 0.01 * sure, 0.99 * sure) == pytest.approx(
        at_least(6, 160, 0.01), rel=1e-4
    )
