"""Was a journey inside its budget from a certain request on? Page's CUSUM, read backwards from the end.

For a share ``r`` above the budget ``b`` a bad request weighs ``ln(r/b)`` and a good one
``ln((1-r)/(1-b))``. The sum of the weights from a request on is a sequential probability ratio test
that begins there (A. Wald, "Sequential tests of statistical hypotheses", Annals of Mathematical
Statistics 16, 1945); its largest value over all ends obeys the recursion of E. S. Page ("Continuous
inspection schemes", Biometrika 41, 1954), here from the last request to the first.

Were the true share at most ``b``, the sum would reach ``ln(1/a)`` at any time with a probability of
at most ``a`` (J. Ville, "Étude critique de la notion de collectif", 1939). So repeated looks cost
nothing. The test tries several shares, and each request with which a bad stretch might begin; it pays
for them by dividing ``a`` among them, as in the e-detectors of J. Shin, A. Ramdas and A. Rinaldo
("E-detectors: a nonparametric framework for sequential change detection", New England Journal of
Statistics in Data Science 2, 2024). Only bad requests count as beginnings: the probability that a
request is bad and begins a stretch of evidence ``ln(1/a)`` is at most ``r * a``.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import sub

_ODDS_STEP = 3.0
"""The factor by which the odds of a bad request grow from one alternative to the next."""

_HIGHEST_SHARE = 0.97
"""The alternatives end with the first share that reaches this."""

LOWEST_BUDGET = 1e-3
"""A smaller budget is tested as if it were this one, so that a single bad request never proves anything."""


@dataclass(frozen=True, slots=True)
class CusumEvidence:
    """How certain it is that the requests from a given one on were outside their budget.

    All values are logarithms: were the journey inside its budget, evidence of ``e`` would come up with a
    probability of at most ``exp(-e)``.

    Attributes:
        start: from the first request on.
        after: from the request after each bad one on.
    """

    start: float
    after: array[float]


@lru_cache(maxsize=256)
def alternatives(budget: float) -> tuple[tuple[float, float, float], ...]:
    """The shares that the test tries: (share, weight of a bad request, cost of a good one)."""
    low = max(budget, LOWEST_BUDGET)
    odds, shares = low / (1.0 - low), list[float]()
    while not shares or shares[-1] < _HIGHEST_SHARE:
        odds *= _ODDS_STEP
        shares.append(odds / (1.0 + odds))
    return tuple((r, math.log(r / low), -math.log((1.0 - r) / (1.0 - low))) for r in shares)


def evidence(bad: Sequence[int], samples: int, budget: float) -> CusumEvidence:
    """Find the evidence by reading a sequence of requests backwards.

    Args:
        bad: the indices of the bad requests, ascending.
        samples: how many requests there are.
        budget: the share that may be bad, below 1.
    """
    count = len(bad)
    if not count:
        return CusumEvidence(0.0, array("d"))
    tests = alternatives(budget)
    shared = -math.log(2.0 * len(tests))
    # The good requests after each bad one, and that bad one itself.
    good = array("q", map(sub, chain(bad[1:], (samples,)), bad))
    after = array("d", [-math.inf]) * count
    start = -math.inf
    for share, gain, cost in tests:
        # The largest sum from any later bad request on, less the price of so many beginnings.
        any_start, later = -math.log(max(1.0, samples * share)), -math.inf
        level = 0.0
        for row in range(count - 1, -1, -1):
            level -= cost * (good[row] - 1)
            found = level if level > later else later
            if found > after[row]:
                after[row] = found
            level = gain + level if level > 0.0 else gain
            if level + any_start > later:
                later = level + any_start
        start = max(start, level - cost * bad[0], later)
    return CusumEvidence(max(0.0, start + shared), array("d", (max(0.0, each + shared) for each in after)))


def excluded(bad: int, samples: int, budget: float, share: float) -> float:
    """The evidence that the true share is below ``share``, by Wald's test against the budget: the
    logarithm of the likelihood ratio.
    """
    low = max(budget, LOWEST_BUDGET)
    return bad * math.log(low / share) + (samples - bad) * math.log((1.0 - low) / (1.0 - share))
