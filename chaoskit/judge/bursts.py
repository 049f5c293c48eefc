"""A burst that stays within the budget of an SLO's own period is one event, not many.

Requests are not independent: one stall makes all the requests of a moment slow. A test that takes
them for independent would call such a stall an outage, and so be far stricter than the SLO. So a
short run of bad requests with calm on both sides counts as a single bad request, if it spends no more
than the budget of a period. This is the runs declustering of extreme value statistics (R. L. Smith and
I. Weissman, "Estimating the extremal index", Journal of the Royal Statistical Society B 56, 1994).
Bursts that together spend more than the budget of a period are not collapsed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from chaoskit.judge.binomial import breaks_at

_RUN_GAP_REQUESTS = 4
"""The largest distance between two bad requests of one run: at most three good ones lie between them."""

_CALM_REQUESTS = 40
"""How many requests on each side of a burst must be calm; at the beginning and at the end of the record
fewer will do."""

_FEWEST_CALM_REQUESTS_AFTER = 10
"""The fewest requests that must follow a burst."""

_STALL_SECONDS = 0.05
"""The shortest burst that counts as a stall whatever its size: in a shorter time, independent requests
may be bad together by chance."""

_STALL_REQUESTS = 6
"""The fewest bad requests of a burst that counts as a stall although it is shorter, if they are most of
the requests in it."""

_CALM_CONFIDENCE = 0.999
"""The requests beside a burst are calm if the budget explains them, with this confidence."""


Burst = tuple[int, int]
"""A half-open range [first, end) of positions in the list of bad requests."""


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

    Returns:
        Ranges of positions in ``bad``, in ascending order.
    """
    allowance = budget * rate * period
    if allowance < 2.0 or len(bad) < 2:
        return []
    found = _bursts(bad, samples, allowance, budget, rate)
    return _within_budget([times[low] for low, _ in found], found, allowance, period)


def collapsed(bad: Sequence[int], bursts: Iterable[Burst]) -> list[int]:
    """The bad requests, with each of these bursts reduced to its first request."""
    kept, since = list[int](), 0
    for low, high in bursts:
        kept += bad[since : low + 1]
        since = high
    return kept + list(bad[since:])


def _bursts(bad: Sequence[int], samples: int, allowance: float, budget: float, rate: float) -> list[Burst]:
    """The short runs with calm on both sides."""
    found, low = [], 0
    for row in range(1, len(bad) + 1):
        if row < len(bad) and bad[row] - bad[row - 1] <= _RUN_GAP_REQUESTS:
            continue
        span = bad[row - 1] - bad[low] + 1
        stall = span >= _STALL_SECONDS * rate or 2 * (row - low) > max(span, 2 * _STALL_REQUESTS - 1)
        room = min(_CALM_REQUESTS, samples - bad[row - 1] - 1)
        if stall and 2 <= row - low <= allowance and room >= _FEWEST_CALM_REQUESTS_AFTER:
            before = low - bisect_left(bad, bad[low] - _CALM_REQUESTS, 0, low)
            after = bisect_right(bad, bad[row - 1] + room, row) - row
            if before < breaks_at(_CALM_REQUESTS, budget, _CALM_CONFIDENCE) and after < breaks_at(
                room, budget, _CALM_CONFIDENCE
            ):
                found.append((low, row))
        low = row
    return found


def _within_budget(
    starts: Sequence[float], bursts: Sequence[Burst], allowance: float, period: float
) -> list[Burst]:
    """The bursts that do not exceed the allowance together with the others of any period."""
    spent = [0, *accumulate(high - low for low, high in bursts)]
    fits = [True] * len(bursts)
    for first, start in enumerate(starts):
        last = bisect_right(starts, start + period)
        if spent[last] - spent[first] > allowance:
            fits[first:last] = [False] * (last - first)
    return [burst for burst, fit in zip(bursts, fits, strict=True) if fit]
