"""The samples of a journey as figures by short stretches of time: what the charts and tables show.

Figures are exact: counts, and nearest-rank quantiles of the latencies of the requests that succeeded,
as in :mod:`chaoskit.judge.summary`. There are several levels, so that a chart can be looked at as a
whole and closely, and a long record is no larger than a chart can show.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from chaoskit.judge.summary import quantile
from chaoskit.judge.trace import CLOCK_RESOLUTION, Trace
from chaoskit.record.samples import NEVER

WIDTHS = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1800.0,
    3600.0,
    7200.0,
)
"""Seconds that a bin may be wide: what people can read off an axis."""

LEVELS = ((120, 10.0), (600, 5.0), (2400, 2.0))
"""Of each level how many bins it has at most, and how many requests a bin has on the average at least."""

FEWEST = 16
"""Even of a slow journey so many bins are shown."""

ROWS = 24
"""Bins of a table."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Parallel columns, one entry for each stretch ``[start + i * width, start + (i + 1) * width)``.

    Attributes:
        start: seconds from the edge that the bins were asked to have.
        width: seconds.
        seconds: how much of the stretch was observed; less than ``width`` only at both ends.
        requests: arrivals that were intended in it.
        failed: those of them that failed.
        p50, p95, p99: latencies in seconds of those that succeeded; ``None`` where none did.
    """

    start: float
    width: float
    seconds: tuple[float, ...]
    requests: tuple[int, ...]
    failed: tuple[int, ...]
    p50: tuple[float | None, ...]
    p95: tuple[float | None, ...]
    p99: tuple[float | None, ...]

    def __len__(self) -> int:
        return len(self.requests)


def levels(trace: Trace, edge: float, begin: float, end: float) -> tuple[Bins, ...]:
    """The bins of a journey, from wide to narrow; equal ones are left out.

    Args:
        trace: its requests.
        edge: a moment that lies between two bins, so that none mixes what was before and after.
        begin, end: what was observed, on the trace's clock.
    """
    rate = len(trace) / max(end - begin, WIDTHS[0])
    widths = [width_for(end - begin, most, enough / rate if rate else 0.0) for most, enough in LEVELS]
    return tuple(bins(trace, edge, begin, end, width) for width in dict.fromkeys(widths))


def rows(trace: Trace, edge: float, begin: float, end: float) -> Bins:
    """Bins so few that they can be read as a table."""
    return bins(trace, edge, begin, end, width_for(end - begin, ROWS, 0.0))


def width_for(seconds: float, most: int, at_least: float) -> float:
    """The width of bins.

    Args:
        seconds: what they cover.
        most: how many there may be.
        at_least: seconds below which a bin would hold too little, as long as few bins are not the
            consequence.
    """
    wanted = max(seconds / most, min(at_least, seconds / FEWEST))
    found = next((width for width in WIDTHS if width >= wanted), None)
    return found if found is not None else math.ceil(wanted / WIDTHS[-1]) * WIDTHS[-1]


def bins(trace: Trace, edge: float, begin: float, end: float, width: float) -> Bins:
    """The bins of one width."""
    first = math.floor(round((begin - edge) / width, 6))
    last = max(first + 1, math.ceil(round((end - edge) / width, 6)))
    edges = [edge + number * width for number in range(first, last + 1)]
    cuts = [bisect_left(trace.at, each - CLOCK_RESOLUTION / 2) for each in edges]
    cuts[-1] = len(trace)  # what was intended at the very end
    cuts[0] = 0
    requests, failed = [], []
    quantiles: tuple[list[float | None], ...] = ([], [], [])
    for low, high in pairwise(cuts):
        requests.append(high - low)
        failed.append(sum(trace.failed[low:high]))
        good = _good(trace, low, high)
        for share, column in zip((0.5, 0.95, 0.99), quantiles, strict=True):
            column.append(quantile(good, share))
    seconds = tuple(max(0.0, min(right, end) - max(left, begin)) for left, right in pairwise(edges))
    p50, p95, p99 = map(tuple, quantiles)
    return Bins(first * width, width, seconds, tuple(requests), tuple(failed), p50, p95, p99)


def _good(trace: Trace, low: int, high: int) -> Sequence[float]:
    return sorted(
        latency
        for latency, fail in zip(trace.latency[low:high], trace.failed[low:high], strict=True)
        if not fail and latency < NEVER
    )
