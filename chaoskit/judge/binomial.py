"""The exact one-sided binomial test: does a share of bad requests exceed its budget with certainty?

The test inverts the lower Clopper-Pearson limit (C. J. Clopper and E. S. Pearson, "The use of
confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26, 1934): the
true share is above the budget with the given confidence if, were the true share exactly the budget,
chance would give at least the observed number of bad requests with a probability of at most
``1 - confidence``. The test is exact, since a window of seconds has too few requests for an approximation.
"""

from __future__ import annotations

import math
from functools import lru_cache


def at_least(bad: int, samples: int, share: float) -> float:
    """The probability of ``bad`` or more bad requests among ``samples``, each bad with ``share``."""
    if bad <= 0:
        return 1.0
    if bad > samples or share <= 0.0:
        return 0.0
    if share >= 1.0:
        return 1.0
    if bad <= samples * share:  # the lower tail is the smaller sum
        return max(0.0, 1.0 - _sum_up(bad - 1, samples, share))
    return min(1.0, _sum_down(bad, samples, share))


@lru_cache(maxsize=65536)
def breaks_at(samples: int, budget: float, confidence: float) -> int:
    """The fewest bad requests among ``samples`` that break a promise, never fewer than two.

    Args:
        samples: how many requests there were.
        budget: the share that may be bad.
        confidence: how sure the test must be.

    Returns:
        A count; ``samples + 1`` (or more) where even total failure would not be certain evidence.
    """
    if budget <= 0.0:
        return 2
    if budget >= 1.0:
        return max(2, samples + 1)
    alpha = 1.0 - confidence
    odds = (1.0 - budget) / budget
    bad = _beyond(samples, budget)
    mass = _mass(bad, samples, budget)
    tail = 0.0
    while bad >= 0 and tail + mass <= alpha:
        tail += mass
        mass *= bad / (samples - bad + 1) * odds
        bad -= 1
    return max(2, bad + 1)


def at_least_share(bad: int, samples: int, confidence: float) -> float:
    """The lower Clopper-Pearson limit: the true share is at least this, with that confidence."""
    if bad <= 0 or samples <= 0:
        return 0.0
    low, high = 0.0, bad / samples
    for _ in range(40):
        middle = (low + high) / 2
        if at_least(bad, samples, middle) <= 1.0 - confidence:
            low = middle
        else:
            high = middle
    return low


def _beyond(samples: int, share: float) -> int:
    """A count so high that all counts above it weigh nothing (at least twelve standard deviations)."""
    mean = samples * share
    return min(samples, math.ceil(mean + 12.0 * math.sqrt(mean * (1.0 - share)) + 60.0))


def _mass(bad: int, samples: int, share: float) -> float:
    log_choose = math.lgamma(samples + 1) - math.lgamma(bad + 1) - math.lgamma(samples - bad + 1)
    return math.exp(log_choose + bad * math.log(share) + (samples - bad) * math.log1p(-share))


def _sum_down(bad: int, samples: int, share: float) -> float:
    """P(X ≥ bad), summed from the small terms to the large ones."""
    count = max(bad, _beyond(samples, share))
    mass, odds, total = _mass(count, samples, share), (1.0 - share) / share, 0.0
    while count >= bad:
        total += mass
        mass *= count / (samples - count + 1) * odds
        count -= 1
    return total


def _sum_up(bad: int, samples: int, share: float) -> float:
    """P(X ≤ bad), from ``bad`` down until the terms weigh nothing."""
    mass, odds, total, count = _mass(bad, samples, share), (1.0 - share) / share, 0.0, bad
    while count >= 0 and mass > total * 1e-17:
        total += mass
        mass *= count / (samples - count + 1) * odds
        count -= 1
    return total
