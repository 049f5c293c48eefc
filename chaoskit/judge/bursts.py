"""Bursts that stay within the budget of an SLO's own period are one event each, not many.

Requests are not independent: one stall makes all the requests of a moment slow. A test that takes
them for independent would call such a stall an outage, far more strictly than the SLO says. So a short run of
bad requests with calm on both sides counts as a single bad one, if it spends no more than the budget
of a period; this is the runs declustering of extreme value statistics (R. L. Smith and I. Weissman,
"Estimating the extremal index", Journal of the Royal Statistical Society B 56, 1994). Bursts that
together spend more than the budget of a period stay as they are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from chaoskit.judge.binomial import breaks_at

_LINK = 4
"""Bad requests no further apart are one run: at most three good ones lie between them."""

_BESIDE = 40
"""Requests on both sides that must be calm; fewer at the beginning and at the end, but"""

_AFTER = 10
"""so many there must be after it."""

_LASTS = 0.05
"""Seconds of a stall; in a shorter time independent requests may be bad together by chance, but not"""

_MANY = 6
"""so many, most of those that came."""

_SURE = 0.999
"""Calm is what the budget explains, with this confidence."""


Burst = tuple[int, int]
"""Of the bad requests those from the first number to before the second."""


def bursts_within_budget(
    bad: Sequence[int], times: Sequence[float], samples: int, budget: float, rate: float, period: float
) -> list[Burst]:
    """The bursts that are one event each.

    Args:
        bad: the indices of the bad requests, ascending.
        times: when each of them was intended.
        samples: how many requests there are.
        budget: the share that may be bad.
        rate: requests per second.
        period: seconds of the SLO's own period.
    """
    allowance = budget * rate * period
    if allowance < 2.0 or len(bad) < 2:
        return []
    found = _bursts(bad, samples, allowance, budget, rate)
    return _within_budget([times[low] for low, _ in found], found, allowance, period)


def collapsed(bad: Sequence[int], bursts: Iterable[Burst]) -> list[int]:
    """The bad requests, but of each of these bursts only its first."""
    kept, since = list[int](), 0
    for low, high in bursts:
        kept += bad[since : low + 1]
        since = high
    return kept + list(bad[since:])


def _bursts(bad: Sequence[int], samples: int, allowance: float, budget: float, rate: float) -> list[Burst]:
    """The short runs with calm around them, as rows [low, high) of the bad requests."""
    found, low = [], 0
    for row in range(1, len(bad) + 1):
        if row < len(bad) and bad[row] - bad[row - 1] <= _LINK:
            continue
        span = bad[row - 1] - bad[low] + 1
        stall = span >= _LASTS * rate or 2 * (row - low) > max(span, 2 * _MANY - 1)
        room = min(_BESIDE, samples - bad[row - 1] - 1)
        if stall and 2 <= row - low <= allowance and room >= _AFTER:
            before = low - bisect_left(bad, bad[low] - _BESIDE, 0, low)
            after = bisect_right(bad, bad[row - 1] + room, row) - row
            if before < breaks_at(_BESIDE, budget, _SURE) and after < breaks_at(room, budget, _SURE):
                found.append((low, row))
        low = row
    return found


def _within_budget(
    starts: Sequence[float], bursts: Sequence[Burst], allowance: float, period: float
) -> list[Burst]:
    """Those that no period counts too many of."""
    spent = [0, *accumulate(high - low for low, high in bursts)]
    fits = [True] * len(bursts)
    for first, start in enumerate(starts):
        last = bisect_right(starts, start + period)
        if spent[last] - spent[first] > allowance:
            fits[first:last] = [False] * (last - first)
    return [burst for burst, fit in zip(bursts, fits, strict=True) if fit]
