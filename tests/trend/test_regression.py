"""The tail probabilities, against exact values, and the tests between nights.

The tests between nights are checked for what they flag, what they leave alone, and how often they are wrong.
"""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge.binomial import at_least
from chaoskit.trend.regression import (
    PRIOR_CORRELATION,
    adjusted,
    beta_binomial_at_least,
    correlation,
    incomplete_beta,
    level_rose,
    share_rose,
    student_at_least,
)
from tests.bench.trend_alarms import CALM, NOISY, false_alarms


@pytest.mark.parametrize(
    ("t", "freedom", "tail"),
    [(0.0, 3, 0.5), (6.314, 1, 0.05), (2.262, 9, 0.025), (4.781, 9, 0.0005), (1.96, 1e7, 0.025)],
)
def test_students_tail_has_the_values_of_the_tables(t: float, freedom: float, tail: float) -> None:
    """The quantiles of a textbook result, for few degrees of freedom and for many."""
    assert student_at_least(t, freedom) == pytest.approx(tail, rel=2e-3)
    assert student_at_least(-t, freedom) == pytest.approx(1 - tail, rel=2e-3)


def test_with_one_degree_of_freedom_it_is_cauchys() -> None:
    """The result agrees with the closed form to ten digits."""
    for t in (0.1, 1.0, 3.0, 50.0):
        assert student_at_least(t, 1.0) == pytest.approx(0.5 - math.atan(t) / math.pi, rel=1e-10)


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.integers(0, 2**30))
def test_the_incomplete_beta_function_mirrors(a: float, b: float, numerator: int) -> None:
    """I_x(a, b) and I_1-x(b, a) add up to one, whichever side is computed."""
    # 1 - x is exact for such an x. Near 0, where the function is steep, rounding would show.
    x = numerator / 2**30
    assert incomplete_beta(a, b, x) + incomplete_beta(b, a, 1 - x) == pytest.approx(1.0, abs=1e-9)


@given(st.floats(0.1, 50), st.floats(0, 1))
def test_with_one_for_a_parameter_it_is_a_power(a: float, x: float) -> None:
    """I_x(a, 1) is x to the a, however close x is to 0, and I_x(1, a) is 1 - (1 - x) to the a."""
    assert incomplete_beta(a, 1, x) == pytest.approx(x**a, rel=1e-9, abs=1e-300)
    assert incomplete_beta(1, a, x) == pytest.approx(
        -math.expm1(a * math.log1p(-x)) if x < 1 else 1, abs=1e-9
    )


@given(st.integers(1, 300), st.floats(0.05, 20), st.floats(0.05, 200))
def test_beta_binomial_tails_are_probabilities(samples: int, a: float, b: float) -> None:
    """The tail goes from 1 to 0, and never rises with one more bad request."""
    tails = [beta_binomial_at_least(bad, samples, a, b) for bad in range(samples + 2)]
    assert tails[0] == 1.0
    assert tails[1] == pytest.approx(1 - math.exp(_log_none(samples, a, b)), abs=1e-9)
    assert tails[-1] == 0.0
    assert all(one >= other - 1e-12 for one, other in pairwise(tails))


def _log_none(samples: int, a: float, b: float) -> float:
    """The logarithm of the probability that no request is bad."""
    return math.lgamma(b + samples) - math.lgamma(b) + math.lgamma(a + b) - math.lgamma(a + b + samples)


def test_without_spread_between_nights_it_is_binomial() -> None:
    """As the share of a night becomes certain, the result is that of the exact test of the judge."""
    sure = 1e7
    assert beta_binomial_at_least(6, 160, 0.01 * sure, 0.99 * sure) == pytest.approx(
        at_least(6, 160, 0.01), rel=1e-4
    )


nights = st.lists(st.tuples(st.integers(0, 20), st.integers(20, 500)), min_size=1, max_size=12)


@given(nights, st.integers(20, 500), st.data())
def test_more_bad_requests_are_never_less_suspicious(
    before: list[tuple[int, int]], samples: int, data: st.DataObject
) -> None:
    """The p-value is at most one, and falls as the last night has more bad requests."""
    bad = data.draw(st.integers(0, samples - 1))
    one, more = share_rose(before, (bad, samples)), share_rose(before, (bad + 1, samples))
    assert 0.0 <= more <= one + 1e-12
    assert one <= 1.0


@given(st.lists(st.floats(0, 60), min_size=1, max_size=12), st.floats(0, 60), st.floats(0.01, 5))
def test_a_longer_time_is_never_less_suspicious(before: list[float], last: float, offset: float) -> None:
    """The p-value is at most one, and falls as the last night took longer."""
    one, more = level_rose(before, last, offset), level_rose(before, last * 1.1 + 0.1, offset)
    assert 0.0 <= more <= one + 1e-12
    assert one <= 1.0


def test_nothing_to_compare_with_proves_nothing() -> None:
    """Without an earlier night, or without requests, the p-value is one."""
    assert share_rose([], (5, 10)) == share_rose([(1, 10)], (0, 0)) == level_rose([], 9.0, 0.5) == 1.0


def test_noisy_nights_make_the_next_one_less_suspicious() -> None:
    """The tests learn the spread between nights: a jump after quiet nights is usual after wild ones."""
    quiet, wild = [(2, 160)] * 8, [(0, 160), (4, 160)] * 4
    assert correlation(wild) > correlation(quiet)
    assert share_rose(wild, (9, 160)) > 2 * share_rose(quiet, (9, 160))
    assert level_rose([1.0, 4.0] * 4, 6.0, 0.5) > 10 * level_rose([2.0, 2.1] * 4, 6.0, 0.5)


def test_few_nights_do_not_prove_that_nights_are_alike() -> None:
    """After two nights with the same count, most of the assumed spread remains."""
    assert correlation([(3, 160), (3, 160)]) > 0.8 * PRIOR_CORRELATION
    assert correlation([(0, 160)]) == pytest.approx(PRIOR_CORRELATION)


def test_one_bad_night_hides_nothing() -> None:
    """After an outlier among many nights, a later jump is still suspicious: the median does not move."""
    usual = [1.0, 1.1, 0.9, 1.05, 1.0, 0.95, 1.1]
    assert level_rose([*usual, 9.0], 8.0, 0.5) < 10 * level_rose([*usual, 1.0], 8.0, 0.5)


def test_many_comparisons_are_benjamini_and_hochbergs() -> None:
    """In the example of the 1995 paper, the four smallest of fifteen p-values pass at 0.05."""
    chances = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    chances += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    mixed = random.Random(1).sample(chances, len(chances))
    passed = [chance for chance, together in zip(mixed, adjusted(mixed), strict=True) if together <= 0.05]
    assert sorted(passed) == chances[:4]
    assert adjusted([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusting_keeps_the_order_and_lowers_nothing(chances: list[float]) -> None:
    """No adjusted p-value is below the original, and the order stays the same."""
    together = adjusted(chances)
    assert all(chance <= one <= 1.0 for chance, one in zip(chances, together, strict=True))
    ordered = [one for _, one in sorted(zip(chances, together, strict=True))]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize("noise", [CALM, NOISY], ids=["calm", "noisy"])
@pytest.mark.parametrize("count", [3, 10])
def test_histories_without_a_regression_are_silent(noise: tuple[float, float], count: int) -> None:
    """Of 40 histories that differ only by chance and by the night, at most three are flagged."""
    assert false_alarms(count, noise, histories=40, seed=3) <= 3
