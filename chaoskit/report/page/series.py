"""The requests of a journey, counted in short intervals of time (bins), for the charts and tables.

The figures are exact: counts, and nearest-rank quantiles of the latencies of successful requests, as in
:mod:`chaoskit.judge.summary`. Several levels of bins serve a view of the whole and closer views. A long
record has no more bins than a chart can show.
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

BIN_WIDTHS = (
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
"""The widths that a bin may have, in seconds: values that people can read off an axis."""

LEVEL_LIMITS = ((120, 10.0), (600, 5.0), (2400, 2.0))
"""For each level: the most bins it has, and the fewest requests that a bin has on average."""

FEWEST_BINS = 16
"""Even a slow journey is shown in so many bins."""

TABLE_ROWS = 24
"""A table has about so many rows, one for each bin."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Parallel columns with one entry for each interval ``[start + i * width, start + (i + 1) * width)``.

    Attributes:
        start: when the first bin begins, in seconds from the edge between two bins.
        width: the width of each bin, in seconds.
        seconds: how long each bin was observed; less than ``width`` only in the first and the last.
        requests: how many arrivals were intended in each bin.
        failed: how many of them failed.
        p50, p95, p99: latencies in seconds of those that succeeded; ``None`` if none did.
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
    """The levels of bins of a journey, from wide to narrow bins; each width comes once.

    Args:
        trace: its requests.
        edge: a moment that lies between two bins, so that no bin mixes what was before and after it.
        begin, end: the first and the last moment that were observed, on the clock of the trace.
    """
    rate = len(trace) / max(end - begin, BIN_WIDTHS[0])
    widths = [width_for(end - begin, most, enough / rate if rate else 0.0) for most, enough in LEVEL_LIMITS]
    return tuple(bins(trace, edge, begin, end, width) for width in dict.fromkeys(widths))


def rows(trace: Trace, edge: float, begin: float, end: float) -> Bins:
    """Bins few enough for a table."""
    return bins(trace, edge, begin, end, width_for(end - begin, TABLE_ROWS, 0.0))


def width_for(seconds: float, most: int, at_least: float) -> float:
    """The width of the bins, in seconds.

    Args:
        seconds: the time that the bins cover.
        most: the most bins that there may be.
        at_least: the width in seconds below which a bin would hold too few requests. It is ignored as far
            as it would leave fewer than :data:`FEWEST_BINS`.
    """
    wanted = max(seconds / most, min(at_least, seconds / FEWEST_BINS))
    found = next((width for width in BIN_WIDTHS if width >= wanted), None)
    return found if found is not None else math.ceil(wanted / BIN_WIDTHS[-1]) * BIN_WIDTHS[-1]


def bins(trace: Trace, edge: float, begin: float, end: float, width: float) -> Bins:
    """The bins of one width."""
    first = math.floor(round((begin - edge) / width, 6))
    last = max(first + 1, math.ceil(round((end - edge) / width, 6)))
    edges = [edge + number * width for number in range(first, last + 1)]
    cuts = [bisect_left(trace.at, each - CLOCK_RESOLUTION / 2) for each in edges]
    # The last bin also holds the requests that were intended at the very end.
    cuts[-1] = len(trace)
    cuts[0] = 0
    requests, failed = [], []
    quantiles: tuple[list[float | None], ...] = ([], [], [])
    for low, high in pairwise(cuts):
        requests.append(high - low)
        failed.append(sum(trace.failed[low:high]))
        good = _good_latencies(trace, low, high)
        for share, column in zip((0.5, 0.95, 0.99), quantiles, strict=True):
            column.append(quantile(good, share))
    seconds = tuple(max(0.0, min(right, end) - max(left, begin)) for left, right in pairwise(edges))
    p50, p95, p99 = map(tuple, quantiles)
    return Bins(first * width, width, seconds, tuple(requests), tuple(failed), p50, p95, p99)


def _good_latencies(trace: Trace, low: int, high: int) -> Sequence[float]:
    return sorted(
        latency
        for latency, fail in zip(trace.latency[low:high], trace.failed[low:high], strict=True)
        if not fail and latency < NEVER
    )
