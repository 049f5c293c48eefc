"""The sequential test of whether a journey was inside its budget."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge.cusum import LOWEST_BUDGET, alternatives, evidence, excluded
from tests.judge.synthetic import chosen


def by_hand(bad: list[int], samples: int, budget: float, first: int) -> float:
    """The evidence from a request on, by trying every end and every later beginning."""
    flags = [index in bad for index in range(samples)]
    tests = alternatives(budget)
    best = 0.0
    for share, gain, cost in tests:
        for begin in range(first, samples):
            level = 0.0
            for end in range(begin, samples):
                level += gain if flags[end] else -cost
                paid = 0.0 if begin == first else math.log(max(1.0, samples * share))
                best = max(best, level - math.log(2 * len(tests)) - paid)
    return best


@given(st.sets(st.integers(0, 24)), st.sampled_from([0.005, 0.05, 0.3]))
def test_the_recursion_finds_what_trying_everything_finds(bad: set[int], budget: float) -> None:
    """Read backwards in one pass, the evidence is that of the best stretch, from each request on."""
    rows = sorted(bad)
    found = evidence(rows, 25, budget)
    assert found.start == pytest.approx(by_hand(rows, 25, budget, 0), abs=1e-9)
    for row, each in zip(rows, found.after, strict=True):
        assert each == pytest.approx(by_hand(rows, 25, budget, row + 1), abs=1e-9)


@pytest.mark.parametrize(("budget", "samples"), [(0.005, 400), (0.05, 200)])
def test_false_alarms_are_as_rare_as_promised(budget: float, samples: int) -> None:
    """A journey that uses its whole budget has evidence of ``e`` in at most a share ``exp(-e)``."""
    dice = random.Random(7)
    cases = 2000
    found = [evidence(chosen([(0, samples, budget)], dice), samples, budget).start for _ in range(cases)]
    for chance in (0.1, 0.01):
        assert sum(each >= -math.log(chance) for each in found) <= chance * cases


def test_one_bad_request_proves_nothing() -> None:
    """Even where hardly anything is allowed."""
    assert evidence([50], 100, 0.0).start < math.log(1000)
    assert evidence([50], 100, LOWEST_BUDGET).start == evidence([50], 100, 1e-9).start


def test_two_in_a_row_prove_more_than_two_apart() -> None:
    """The closer together bad requests are, the stronger is the evidence."""
    assert evidence([50, 51], 100, 0.005).start > evidence([50, 90], 100, 0.005).start


def test_a_calm_journey_excludes_a_share_in_time() -> None:
    """300 good requests exclude 2% where 0.5% is allowed, at 99% confidence; a bad one takes 91 more."""
    assert excluded(0, 303, 0.005, 0.02) < math.log(100) <= excluded(0, 304, 0.005, 0.02)
    assert excluded(1, 394, 0.005, 0.02) < math.log(100) <= excluded(1, 396, 0.005, 0.02)
