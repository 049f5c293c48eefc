"""When a bad stretch ended: an estimate, and an interval that holds the truth with a stated probability.

The requests of a bad stretch fail with an unknown share ``q``; those after it with at most the
budget. The end is a change point. Its confidence interval consists of all the moments that a test
does not reject, each end with half of the error (the duality of tests and confidence sets; for change
points D. Siegmund, "Confidence sets in change-point problems", International Statistical Review 56,
1988).

* The *earliest* end: a moment is rejected if the requests after it are not inside the budget
  (:mod:`chaoskit.judge.cusum`).
* The *latest* end: a moment is rejected if the requests just before it are too good for the stretch.
  Read backwards from the true end, the distances to the bad requests are independent and geometric,
  all with the same ``q``. Given the sum of several, how much of it falls upon the first ones does not
  depend on ``q``: it is hypergeometric. So the test is exact and needs no estimate of ``q``. Only the
  last :data:`RECENT` distances are compared, so that a stretch that was worse at first does not make
  its end look calm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chaoskit.judge.cusum import Evidence

RECENT = 10
"""Distances between bad requests with which the last ones are compared."""

_MOST_STRAYS = 10_000
"""Bad requests that the calm after a stretch is thought to have had at most."""


def _stray_counts() -> tuple[int, ...]:
    """0, 1, 2, 3, 5, 8, … of them: each count is a test of its own."""
    counts, following = [0, 1], 2
    while counts[-1] < _MOST_STRAYS:
        counts.append(following)
        following = counts[-1] + counts[-2]
    return tuple(counts)


_STRAYS = _stray_counts()


@dataclass(frozen=True, slots=True)
class End:
    """Where a bad stretch ended, as numbers of requests: ``n`` means between ``n - 1`` and ``n``.

    Attributes:
        earliest: not before this one.
        likely: the estimate; as often too early as too late.
        latest: not after this one; the number of all requests where it may never have ended.
    """

    earliest: int
    likely: int
    latest: int


def find_end(bad: Sequence[int], samples: int, found: Evidence, error: float) -> End:
    """The interval of the last change from outside the budget to inside.

    Args:
        bad: the indices of the bad requests, ascending.
        samples: how many requests there are.
        found: the evidence against each beginning.
        error: the probability that the interval does not hold the truth.
    """
    if not bad:
        return End(0, 0, 0)
    limit = math.log(2.0 / error)
    if found.start < limit:
        earliest = 0
    else:
        row = next((row for row, each in enumerate(found.after) if each < limit), len(bad) - 1)
        earliest = bad[row] + 1
    latest = max(earliest, _latest(bad, samples, error / 2.0))
    likely = _latest(bad, samples, 0.5)
    return End(earliest, min(max(earliest, likely), latest), latest)


def _latest(bad: Sequence[int], samples: int, error: float) -> int:
    """The last number of requests that may belong to the stretch."""
    guess = 0

    def rejected(end: int, last: int) -> bool:
        nonlocal guess
        if _rejects(bad, end, last, guess, error):
            return True
        for number in range(len(_STRAYS)):
            if last - _STRAYS[number] < 1:
                return False
            if _rejects(bad, end, last, number, error):
                guess = number
                return True
        return False

    following = samples
    for last in range(len(bad) - 1, -1, -1):
        low = bad[last] + 1
        if not rejected(low, last):
            high = following
            if not rejected(high, last):
                return high
            while high - low > 1:
                middle = (low + high) // 2
                if rejected(middle, last):
                    high = middle
                else:
                    low = middle
            return low
        following = low
    return samples


def _rejects(bad: Sequence[int], end: int, last: int, number: int, error: float) -> bool:
    """Whether one of the tests rejects that the stretch lasted until ``end``; each may err with a
    share of ``error``: a half, a sixth, a twelfth and so on.
    """
    strays = _STRAYS[number]
    row = last - strays
    if row < 1:
        return False
    recent = min(max(RECENT, strays), row)
    span, tail = bad[row] - bad[row - recent], end - bad[row]
    return too_good(tail, strays, span, recent) <= error / ((number + 1) * (number + 2))


def too_good(tail: int, strays: int, span: int, recent: int) -> float:
    """The probability of so few bad requests at the end of a stretch.

    Args:
        tail: requests from the last bad one of the stretch, it included, to the end.
        strays: bad ones after it.
        span: requests in which the ``recent`` bad ones before came.
    """
    # The hypergeometric probability that of all marks at most ``strays`` are among the first places.
    places, marks, drawn = tail + span - 1, strays + recent, tail - 1
    if drawn <= strays:
        return 1.0
    if strays * places >= marks * drawn:
        return 1.0  # more than half of the mass, and a test never rejects that
    log_mass = _log_choose(drawn, strays) + _log_choose(places - drawn, recent) - _log_choose(places, marks)
    mass = total = math.exp(log_mass)
    for among in range(strays, 0, -1):
        mass *= among / (drawn - among + 1) * (places - drawn - marks + among) / (marks - among + 1)
        total += mass
        if mass < total * 1e-12:
            break
    return min(1.0, total)


def _log_choose(places: int, marks: int) -> float:
    return math.lgamma(places + 1) - math.lgamma(marks + 1) - math.lgamma(places - marks + 1)
