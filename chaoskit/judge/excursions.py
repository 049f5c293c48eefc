"""When a journey was outside its SLO after lifting, and since when it is inside for good.

The search is a scan statistic: windows that begin with a bad request, of several lengths, each put
to the same exact test as everything else. A short window finds bursts, the stability window short
outages, and its doubles a share that is only a little above its budget.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from chaoskit.judge.binomial import breaks_at
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.slo import Indicator, indicators
from chaoskit.judge.trace import Trace, running
from chaoskit.system import Slo


@dataclass(frozen=True, slots=True)
class Excursion:
    """A stretch outside the SLO.

    Attributes:
        start: its first bad request's intended time.
        end: the first good request's after it; ``None`` if there was none any more.
    """

    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class Excursions:
    """What became of a journey after lifting began.

    Attributes:
        start: when lifting began.
        excursions: the stretches outside the SLO, in order; two that are less than a stability
            window apart are one.
        since: from when on it was inside; ``None`` if it was outside to the end.
        resolution: seconds by which ``since`` may be too late: the gap to the request before.
        stable: whether it was seen to be inside for a whole stability window.
    """

    start: float
    excursions: tuple[Excursion, ...]
    since: float | None
    resolution: float
    stable: bool

    def first_stable(self, stability: float) -> float | None:
        """When it first was inside for a whole stability window."""
        if self.excursions and self.excursions[0].start - self.start < stability:
            return self.excursions[0].end if len(self.excursions) > 1 or self.stable else None
        return self.start if self.excursions or self.stable else None


def find_excursions(
    after: Trace, start: float, end: float, rate: float, slo: Slo, settings: JudgeSettings
) -> Excursions:
    """Find the excursions.

    Args:
        after: the requests intended from ``start`` on.
        start: when lifting began.
        end: when the observation ended.
        rate: arrivals per second.
        slo: what the journey promises.
        settings: how the judge decides.
    """
    stability = settings.stable_for(rate)
    gap = 1.0 / rate
    found = [
        each
        for indicator in indicators(slo)
        for each in _excursions(after, indicator, end, stability, settings)
    ]
    excursions = tuple(_merged(sorted(found, key=lambda each: each.start), stability))
    since = excursions[-1].end if excursions else start
    if since is None:
        return Excursions(start, excursions, None, gap, stable=False)
    low = bisect_left(after.at, since)
    seen = bisect_left(after.at, since + stability) - low
    resolution = since - after.at[low - 1] if low else gap
    stable = since + stability <= end + gap and seen >= max(1.0, settings.min_coverage * rate * stability)
    return Excursions(start, excursions, since, resolution, stable)


def _excursions(
    trace: Trace, indicator: Indicator, end: float, stability: float, settings: JudgeSettings
) -> Iterator[Excursion]:
    at, (bad, counted) = trace.at, indicator.flags(trace)
    if 1 not in bad:
        return
    sums, counts = running(bad), running(counted)
    spans = [(settings.window, True), (stability, True)]
    while at and spans[-1][0] * 2 <= end - at[0]:
        spans.append((spans[-1][0] * 2, False))

    def outside(low: int) -> bool:
        for span, cut in spans:
            if not cut and at[low] + span > end:
                return False
            high = bisect_left(at, at[low] + span)
            if sums[high] - sums[low] >= breaks_at(
                counts[high] - counts[low], indicator.budget, settings.confidence
            ):
                return True
        return False

    low = 0
    while True:
        try:
            low = bad.index(1, low)
        except ValueError:
            return
        if not outside(low):
            low += 1
            continue
        start = at[low]
        try:
            low = bad.index(0, low)
        except ValueError:
            yield Excursion(start, None)
            return
        yield Excursion(start, at[low])


def _merged(excursions: list[Excursion], stability: float) -> Iterator[Excursion]:
    """Join those between which the journey was not inside for a whole stability window."""
    current: Excursion | None = None
    for each in excursions:
        if current is None:
            current = each
        elif current.end is None or each.start - current.end < stability:
            open_end = current.end is None or each.end is None
            current = Excursion(current.start, None if open_end else max(current.end or 0.0, each.end or 0.0))
        else:
            yield current
            current = each
    if current is not None:
        yield current
