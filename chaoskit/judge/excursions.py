"""When a journey was outside its SLO, and since when it is inside for good.

Each promise is judged by itself: whether it was outside at all (:mod:`chaoskit.judge.cusum`), and if
so, when that ended (:mod:`chaoskit.judge.changepoint`). The journey is inside when its last promise is.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

from chaoskit.judge.binomial import at_least
from chaoskit.judge.bursts import Burst, bursts_within_budget, collapsed
from chaoskit.judge.changepoint import End, find_end
from chaoskit.judge.cusum import LOWEST_BUDGET, CusumEvidence, evidence, excluded
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.slo import Indicator, indicators, percent
from chaoskit.judge.trace import Trace, running
from chaoskit.record.samples import NEVER
from chaoskit.system import Slo

DOUBT = math.log(10.0)
"""The evidence from which on the judge no longer calls a journey inside (H. Jeffreys, "Theory of
Probability", 1961, appendix B: ten to one is strong)."""


@dataclass(frozen=True, slots=True)
class Excursion:
    """A stretch outside the SLO.

    Attributes:
        start: the intended time of its first bad request.
        end: when it probably ended; ``None`` if it may go on.
    """

    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class Excursions:
    """What became of a journey after a certain moment. All times are seconds of the shared clock.

    Attributes:
        start: that moment.
        excursions: the stretches that were outside beyond doubt, in order; two stretches less than a
            stability window apart count as one.
        since: the estimated time from which on it was inside; ``None`` if it may be outside to the end.
        earliest: it was not inside before this time.
        latest: it was inside from this time on; ``None`` if that is not known.
        unseen: for a journey that was not outside beyond doubt: until when a share of bad requests just
            above the budget might have gone unseen; ``None`` for longer than the observation.
        stable: whether it was observed to be inside for a whole stability window.
        doubt: the figures that make it doubtful whether it was inside; empty if there are none.
        shown: whether the requests since ``since`` exclude a few times the budget.
        clean: whether none of the requests since ``since`` was bad.
        unproven: the share that the requests since ``since`` do not exclude although there are enough of
            them, in words; empty if there is none.
    """

    start: float
    excursions: tuple[Excursion, ...]
    since: float | None
    earliest: float
    latest: float | None
    unseen: float | None
    stable: bool
    doubt: str = ""
    shown: bool = False
    clean: bool = True
    unproven: str = ""

    def first_stable(self, stability: float) -> float | None:
        """When the first whole stability window inside the SLO began; ``None`` if there was none."""
        if self.excursions and self.excursions[0].start - self.start < stability:
            return self.excursions[0].end if len(self.excursions) > 1 or self.stable else None
        return self.start if self.excursions or self.stable else None


@dataclass(frozen=True, slots=True)
class _Promise:
    """One promise over the requests that count for it.

    Attributes:
        indicator: the promise.
        rows: the row of each of these requests in the trace.
        bad: which of them were bad, as indices into ``rows``.
        bursts: the bursts within the budget.
        events: ``bad``, with each of these bursts as one request.
    """

    indicator: Indicator
    rows: Sequence[int]
    bad: Sequence[int]
    bursts: Sequence[Burst]
    events: Sequence[int]


def find_excursions(
    after: Trace,
    start: float,
    end: float,
    rate: float,
    slo: Slo,
    settings: JudgeSettings,
    risk: float,
    before: Trace | None = None,
) -> Excursions:
    """Find the excursions.

    Args:
        after: the requests intended from ``start`` on.
        start: when the observation began.
        end: when it ended.
        rate: arrivals per second.
        slo: what the journey promises.
        settings: how the judge decides.
        risk: the probability, for each promise, of calling a journey outside that was inside all the time.
        before: the requests before ``start``: an outage may have begun there that ends after ``start``.
    """
    stability = settings.stable_for(rate)
    promises = [_promise(after, each, rate, settings) for each in indicators(slo) if each.budget < 1.0]
    since: float | None = start
    earliest, latest, unseen = start, start, start
    doubts, found = [], list[Excursion]()
    for each in promises:
        seen = evidence(each.events, len(each.rows), each.indicator.budget)
        unseen = max(unseen, _unseen(after, each, start, 1.0 - settings.confidence))
        if seen.start < DOUBT:
            continue
        run = _outage_before(each, before) if before is not None else 0
        alone = len(each.events) == 1 and not run
        if alone and _answered(after, each.rows, each.bad[-1] + 1) <= start + slo.recovery:
            # The first request after the mark of a lift often still fails: alone it decides nothing.
            continue
        error = 1.0 - settings.confidence
        last = _end(each, run, error, seen)
        latest = max(latest, _answered(after, each.rows, last.latest))
        if seen.start < -math.log(risk):
            doubts.append(_doubt(each))
            continue
        likely = _intended(after, each.rows, last.likely)
        earliest = max(earliest, after.at[each.rows[last.earliest - 1]] if last.earliest else start)
        since = max(since or start, likely)
        found += _stretches(after, each, stability, likely)
    known = None if latest == NEVER else latest
    hidden = None if unseen == NEVER else unseen
    if since == NEVER:
        since = None
    excursions = tuple(_merged(sorted(found, key=lambda each: (each.start, each.end or NEVER)), stability))
    calm = end if since is None else since
    gap = 1.0 / rate
    seen_inside = bisect_left(after.at, calm + stability) - bisect_left(after.at, calm)
    stable = (
        since is not None
        and (known is not None or not excursions)
        and calm + stability <= end + gap
        and seen_inside >= max(1.0, settings.min_coverage * rate * stability)
    )
    tails = [_tail(after, each, calm, settings) for each in promises]
    return Excursions(
        start,
        excursions,
        since,
        earliest,
        known,
        hidden,
        stable,
        "; ".join(doubts),
        all(each.shown for each in tails),
        not any(each.bad for each in tails),
        "; ".join(each.unproven for each in tails if each.unproven),
    )


_FEWEST_OF_AN_OUTAGE, _MOST_OF_AN_OUTAGE = 10, 60
"""An outage before ``start`` has at least so many failures in a row; no more than the most are counted."""


def _end(each: _Promise, run: int, error: float, seen: CusumEvidence) -> End:
    """Where the last stretch ended.

    Two failures at the very start of the observation do not show how dense a stretch was, and it may go on
    unseen. An outage that began before and went on unbroken shows it: then its ``run`` of requests counts.
    """
    samples, budget = len(each.rows), each.indicator.budget
    if not run:
        return find_end(each.bad, samples, budget, error, each.bursts, seen)
    whole = find_end(range(run + len(each.bad)), run + samples, budget, error)
    earliest, likely, latest = (max(0, each - run) for each in (whole.earliest, whole.likely, whole.latest))
    return End(earliest, likely, latest)


def _outage_before(each: _Promise, before: Trace) -> int:
    """How many requests in a row were bad before the observation; 0 if the outage does not go on unbroken."""
    if each.bad[-1] != len(each.bad) - 1:
        return 0
    flags, counted = each.indicator.flags(before)
    run = 0
    for bad, counts in zip(reversed(flags), reversed(counted), strict=True):
        if counts and (not bad or run == _MOST_OF_AN_OUTAGE):
            break
        run += counts
    return run if run >= _FEWEST_OF_AN_OUTAGE else 0


def _promise(trace: Trace, indicator: Indicator, rate: float, settings: JudgeSettings) -> _Promise:
    flags, counted = indicator.flags(trace)
    bad: list[int] = list(compress(range(len(flags)), flags)) if 1 in flags else []
    times = [trace.at[row] for row in bad]
    rows: Sequence[int] = range(len(flags))
    if 0 in counted:
        numbers = running(counted)
        rows = array("I", compress(range(len(flags)), counted))
        bad = [numbers[row] for row in bad]
    bursts = bursts_within_budget(bad, times, len(rows), indicator.budget, rate, settings.period)
    return _Promise(indicator, rows, bad, bursts, collapsed(bad, bursts))


def _intended(trace: Trace, rows: Sequence[int], number: int) -> float:
    """When request ``number`` was intended; infinite if there is no such request."""
    return trace.at[rows[number]] if number < len(rows) else NEVER


def _answered(trace: Trace, rows: Sequence[int], number: int) -> float:
    """When request ``number`` was answered, which shows that the system worked by then; when it was due, if
    it got no answer; infinite if there is no such request.
    """
    if number >= len(rows):
        return NEVER
    latency = trace.latency[rows[number]]
    return trace.at[rows[number]] + (latency if 0.0 <= latency < NEVER else 0.0)


def _unseen(trace: Trace, each: _Promise, start: float, error: float) -> float:
    """Until when a share just above the budget might have been bad without more bad requests than these."""
    budget, samples = max(each.indicator.budget, LOWEST_BUDGET), len(each.rows)

    def seen(number: int) -> bool:
        bad = bisect_left(each.bad, number)
        return 1.0 - at_least(bad + 1, number, budget) <= error

    if not seen(samples):
        return NEVER
    low, high = 0, samples
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return trace.at[each.rows[high - 1]] if high else start


def _doubt(each: _Promise) -> str:
    bad, samples = len(each.bad), len(each.rows)
    allowed = percent(each.indicator.budget)
    return f"{bad} of {samples} {each.indicator.says} ({percent(bad / samples)}), {allowed} allowed"


@dataclass(frozen=True, slots=True)
class _Tail:
    """The requests of a promise since it was inside.

    Attributes:
        bad: bad requests.
        shown: whether they exclude a few times the budget.
        unproven: the share that they do not exclude although there are four times as many requests as it
            takes where none is bad; empty otherwise.
    """

    bad: int
    shown: bool
    unproven: str


def _tail(trace: Trace, each: _Promise, since: float, settings: JudgeSettings) -> _Tail:
    budget = each.indicator.budget
    share, wanted = settings.excluded_share(budget), -math.log(1.0 - settings.confidence)
    low = bisect_left(each.rows, bisect_left(trace.at, since))
    bad, samples = len(each.events) - bisect_left(each.events, low), len(each.rows) - low
    shown = excluded(bad, samples, budget, share) >= wanted
    if shown or excluded(0, samples // 4, budget, share) < wanted:
        return _Tail(bad, shown, "")
    allowed = percent(budget)
    says = f"{bad} of {samples} {each.indicator.says} ({percent(bad / samples)}), {allowed} allowed"
    return _Tail(bad, shown, f"{says}, and {percent(share)} is not excluded")


def _stretches(trace: Trace, each: _Promise, stability: float, likely: float) -> Iterator[Excursion]:
    """The stretches in which a promise was outside beyond doubt: groups of bad requests each of which is
    more than chance by itself. The last stretch ends where the promise was probably inside again.
    """
    groups: list[list[int]] = []
    for event in each.events:
        if groups and trace.at[each.rows[event]] - trace.at[each.rows[groups[-1][-1]]] < stability:
            groups[-1].append(event)
        else:
            groups.append([event])
    surely = groups
    if len(groups) > 1:
        surely = [group for group in groups if _more_than_chance(group, each.indicator.budget)]
    for group in surely[:-1]:
        end = _intended(trace, each.rows, group[-1] + 1)
        yield Excursion(trace.at[each.rows[group[0]]], end)
    first = surely[-1][0] if surely else each.events[0]
    yield Excursion(trace.at[each.rows[first]], None if likely == NEVER else likely)


def _more_than_chance(group: Sequence[int], budget: float) -> bool:
    low, samples = group[0], group[-1] - group[0] + 1
    return evidence([each - low for each in group], samples, budget).start >= 2 * DOUBT


def _merged(excursions: list[Excursion], stability: float) -> Iterator[Excursion]:
    """Join the excursions between which the journey was not inside for a whole stability window."""
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
