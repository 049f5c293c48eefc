"""The exact test agrees with fractions, which do not round."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge.binomial import at_least, at_least_share, breaks_at


def exactly(bad: int, samples: int, share: Fraction) -> Fraction:
    """P(X ≥ bad) by adding up all the terms."""
    return sum(
        (
            math.comb(samples, count) * share**count * (1 - share) ** (samples - count)
            for count in range(bad, samples + 1)
        ),
        Fraction(0),
    )


counts = st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n + 1)))
budgets = st.integers(1, 999).map(lambda thousandths: Fraction(thousandths, 1000))


@given(counts, budgets)
def test_the_tail_is_the_sum_of_its_terms(count: tuple[int, int], share: Fraction) -> None:
    """The probability agrees with exact arithmetic to ten digits, even where it is tiny."""
    samples, bad = count
    exact = float(exactly(bad, samples, share))
    assert at_least(bad, samples, float(share)) == pytest.approx(exact, rel=1e-9, abs=1e-14)


@given(st.integers(0, 60), budgets, st.sampled_from([0.9, 0.95, 0.99, 0.999]))
def test_the_breaking_count_is_the_smallest_that_is_sure(
    samples: int, budget: Fraction, confidence: float
) -> None:
    """The breaking count excludes chance, one bad request fewer does not, and it is at least two."""
    alpha = Fraction(1) - Fraction(str(confidence))
    smallest = next(bad for bad in range(samples + 2) if exactly(bad, samples, budget) <= alpha)
    assert breaks_at(samples, float(budget), confidence) == max(2, smallest)


@given(st.integers(0, 400), st.floats(0, 1), st.floats(0.5, 0.9999))
def test_more_requests_never_break_at_fewer_bad_ones(samples: int, budget: float, confidence: float) -> None:
    """One request more moves the breaking count by nothing or by one, never back."""
    here, next_ = breaks_at(samples, budget, confidence), breaks_at(samples + 1, budget, confidence)
    assert here <= next_ <= here + 1


def table() -> list[tuple[int, float, int]]:
    """The first table of docs/statistics.md as (samples, budget, fewest)."""
    text = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
    lines = text.partition("| requests |")[2].splitlines()
    budgets = [float(cell.rstrip(" %")) / 100 for cell in lines[0].strip(" |").split("|")]
    rows = [line.strip(" |").split("|") for line in takewhile(lambda line: line.startswith("|"), lines[2:])]
    return [
        (int(samples), budget, int(cell))
        for samples, *cells in rows
        for budget, cell in zip(budgets, cells, strict=True)
    ]


def test_the_table_of_what_can_be_detected() -> None:
    """The judge decides as the table says by which users plan their windows."""
    assert len(table()) == 36
    for samples, budget, fewest in table():
        assert breaks_at(samples, budget, 0.99) == fewest


def test_a_million_requests_are_no_trouble() -> None:
    """Where the normal approximation is good the exact count agrees with it."""
    samples, budget = 1_000_000, 0.05
    approximate = samples * budget + 2.3263 * math.sqrt(samples * budget * (1 - budget))
    assert breaks_at(samples, budget, 0.99) == pytest.approx(approximate, abs=3)


def test_budgets_at_the_ends() -> None:
    """Where no bad request is allowed, two break the promise; where all are allowed, none does."""
    assert breaks_at(50, 0.0, 0.99) == 2
    assert breaks_at(50, 1.0, 0.99) == 51
    assert at_least(3, 10, 0.0) == 0.0
    assert at_least(3, 10, 1.0) == 1.0


def test_the_lower_limit_is_the_one_in_the_tables() -> None:
    """Clopper and Pearson's lower limit for 10 of 100 with 97.5% confidence is 4.90%."""
    assert at_least_share(10, 100, 0.975) == pytest.approx(0.0490, abs=5e-5)
    assert at_least_share(0, 100, 0.975) == 0.0
