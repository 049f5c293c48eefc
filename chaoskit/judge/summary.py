"""The figures of one phase of one journey, which reports show beside the verdicts."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from chaoskit.judge.trace import CLOCK_RESOLUTION, Trace, either, negated, running
from chaoskit.record.samples import NEVER
from chaoskit.system import Slo


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Figures of a phase. Latencies are seconds from the intended start, of requests that succeeded.

    Attributes:
        samples: requests.
        failed: those that failed.
        failed_share: 0 to 1.
        p50, p90, p95, p99, slowest: exact quantiles by nearest rank; ``None`` without a success.
        worst_share: the share of bad requests (failed, or slower than the tightest promise from
            the p90 on) in the worst short window.
        worst_at: when that window began, seconds after the phase did.
        longest_burst: seconds from the first to the last of the longest unbroken run of bad
            requests; 0 for a single one.
        lag_p99: the p99 of the seconds by which the load generator was late.
    """

    samples: int
    failed: int
    failed_share: float
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    slowest: float | None = None
    worst_share: float = 0.0
    worst_at: float | None = None
    longest_burst: float = 0.0
    lag_p99: float | None = None


def summarize(trace: Trace, slo: Slo, start: float, window: float) -> Summary:
    """The figures of a phase that began at ``start``; ``window`` is the short window in seconds."""
    samples = len(trace)
    if not samples:
        return Summary(samples=0, failed=0, failed_share=0.0)
    failed = trace.failed.count(1)
    good = sorted(filter(math.isfinite, compress(trace.latency, negated(trace.failed))))
    bad = bad_flags(trace, slo)
    worst, worst_at = _worst(trace.at, bad, window)
    return Summary(
        samples=samples,
        failed=failed,
        failed_share=failed / samples,
        p50=quantile(good, 0.50),
        p90=quantile(good, 0.90),
        p95=quantile(good, 0.95),
        p99=quantile(good, 0.99),
        slowest=good[-1] if good else None,
        worst_share=worst,
        worst_at=None if worst_at is None else worst_at - start,
        longest_burst=_longest(trace.at, bad),
        lag_p99=_high(list(filter(NEVER.__gt__, trace.lag)), 0.99),
    )


def quantile(ascending: Sequence[float], share: float) -> float | None:
    """The nearest-rank quantile: the smallest value that at least ``share`` of all do not exceed.

    So the p95 is within a bound exactly when at most 5% are above it (Hyndman and Fan, "Sample
    quantiles in statistical packages", The American Statistician 50, 1996, definition 1).
    """
    if not ascending:
        return None
    rank = math.ceil(round(share * len(ascending), 9))
    return ascending[max(0, rank - 1)]


def _high(values: Sequence[float], share: float) -> float | None:
    """The same as :func:`quantile` for values in any order; for a high quantile it need not sort them all."""
    above = len(values) - math.ceil(round(share * len(values), 9))
    return heapq.nlargest(above + 1, values)[-1] if values else None


def bad_flags(trace: Trace, slo: Slo) -> bytes:
    """Which requests a user would complain about: those that failed, or took longer than the tightest bound
    of the quantiles from the p90 on.
    """
    bound = next((bound for q, bound in slo.quantiles if q >= 0.9), None)
    if bound is None:
        return trace.failed
    limit = bound + CLOCK_RESOLUTION
    return either(trace.failed, bytes([latency > limit for latency in trace.latency]))


def _worst(at: Sequence[float], bad: bytes, window: float) -> tuple[float, float | None]:
    """The largest bad share in any window that begins with a bad request, and when that window began.

    A window with fewer than half as many requests as usual shows nothing by itself and is left out.
    """
    usual = len(at) * window / max(at[-1] - at[0], window)
    sums = running(bad)
    worst, count, when = 0.0, 0, None
    for low in compress(range(len(bad)), bad):
        high = bisect_left(at, at[low] + window, low)
        share = (sums[high] - sums[low]) / (high - low)
        if (share, high - low) > (worst, count) and (high - low) * 2 >= usual:
            worst, count, when = share, high - low, at[low]
    return worst, when


def _longest(at: Sequence[float], bad: bytes) -> float:
    longest, low = 0.0, bad.find(1)
    while low >= 0:
        high = bad.find(0, low)
        last = (len(bad) if high < 0 else high) - 1
        longest = max(longest, at[last] - at[low])
        low = bad.find(1, last + 1)
    return longest
