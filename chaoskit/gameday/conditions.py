"""Stop conditions: when everything is lifted automatically. Pure functions over the samples so far.

Requests in flight are not in the record, but those that are too old count all the same. For
``p95_above`` a request is slow as soon as it is older than the bound. For the other conditions it has
failed as soon as it is older than its journey's time-out, whatever became of it. An arrival is in
flight if it was due by the schedule and is not in the record.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from chaoskit.record.samples import NEVER, OUTCOMES, Column, Columns, Outcome
from chaoskit.system import Terms

Measure = Literal[
    "availability_below", "p50_above", "p95_above", "p99_above", "failures_per_s_above", "lasts"
]

MEASURES: tuple[Measure, ...] = get_args(Measure)

SLOW_SHARES: Mapping[str, float] = {"p50_above": 0.5, "p95_above": 0.05, "p99_above": 0.01}
"""The share of requests that may be slower than the bound."""

RECORDED_WITHIN = 0.5
"""Seconds in which a sample reaches the record after its end. The load process never keeps one longer."""

ANY_JOURNEY = "*"

_OK = OUTCOMES.index(Outcome.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A stop condition.

    Attributes:
        name: its name; empty if it has none.
        measure: what is measured.
        bound: a share (``availability_below``), seconds (``p…_above``, ``lasts``), or failures per
            second.
        journey: whose requests are measured; ``*`` for each journey by itself. ``lasts`` ignores it.
        over: how many seconds it looks back.
        least: how many requests it needs. It never fires for a single bad request.
    """

    name: str = ""
    measure: Measure
    bound: float
    journey: str = ANY_JOURNEY
    over: float = 5.0
    least: int = 10

    @property
    def text(self) -> str:
        """The condition in words, with units."""
        if self.measure == "lasts":
            return f"a fault is active longer than {self.bound:g} s"
        who = "any journey" if self.journey == ANY_JOURNEY else self.journey
        if self.measure == "availability_below":
            what = f"availability below {self.bound * 100:g}%"
        elif self.measure == "failures_per_s_above":
            what = f"more than {self.bound:g} failures per second"
        else:
            what = f"{self.measure.partition('_')[0]} above {self.bound:g} s"
        return f"{who}: {what} over {self.over:g} s"

    @property
    def title(self) -> str:
        """Its name, or its text if it has no name."""
        return self.name or self.text


@dataclass(frozen=True, slots=True)
class Reading:
    """How close a condition is to firing.

    Attributes:
        condition: the condition.
        value: the measured value, in the unit of the bound; ``None`` while too little is known.
        fires: whether it fires.
        near: how close the value is to the bound, from 0 (far) to 1 (reached).
        says: the figures in words.
    """

    condition: Condition
    value: float | None
    fires: bool
    near: float
    says: str


def lookback(conditions: Iterable[Condition], terms: Iterable[Terms]) -> float:
    """How many seconds of samples the conditions need."""
    longest = max((each.timeout for each in terms), default=0.0)
    bounds = ((each.over, each.bound if each.measure in SLOW_SHARES else 0.0) for each in conditions)
    return max((over + max(longest, bound) for over, bound in bounds), default=0.0) + 2 * RECORDED_WITHIN


def read(
    condition: Condition,
    terms: Sequence[Terms],
    columns: Columns,
    *,
    begin: float,
    now: float,
    active_since: Iterable[float] = (),
) -> Reading:
    """Read one condition.

    Args:
        condition: the condition.
        terms: the journeys.
        columns: their samples of the last :func:`lookback` seconds.
        begin: when the load began.
        now: the present moment.
        active_since: when each fault that is active now was injected.
    """
    if condition.measure == "lasts":
        lasts = max((now - since for since in active_since), default=0.0)
        fires = lasts > condition.bound
        return Reading(condition, lasts, fires, _near(lasts, condition.bound), f"{lasts:.0f} s")
    readings = [
        _journey(condition, each, columns.get(each.name) or Column(each.name), begin, now)
        for each in terms
        if condition.journey in (ANY_JOURNEY, each.name)
    ]
    nothing = Reading(condition, None, False, 0.0, "there is no such journey")
    return max(readings, key=lambda each: (each.fires, each.near), default=nothing)


def _journey(condition: Condition, terms: Terms, column: Column, begin: float, now: float) -> Reading:
    if condition.measure in SLOW_SHARES:
        return _latency(condition, terms, column, begin, now)
    decided, failed = _decided(terms, column, begin, now, condition.over)
    if condition.measure == "failures_per_s_above":
        seconds = min(condition.over, max(now - begin, RECORDED_WITHIN))
        value = failed / seconds
        fires = value > condition.bound and failed >= 2
        says = f"{terms.name} {value:.3g}/s"
        return Reading(condition, value, fires, _near(value, condition.bound), says)
    if decided < condition.least:
        return _too_few(condition, terms, decided)
    value = 1.0 - failed / decided
    fires = value < condition.bound and failed >= 2
    near = 1.0 if condition.bound >= 1 else _near(1.0 - value, 1.0 - condition.bound)
    return Reading(condition, value, fires, near, f"{terms.name} {value * 100:.3g}% of {decided}")


def _decided(terms: Terms, column: Column, begin: float, now: float, over: float) -> tuple[int, int]:
    """The number of requests that were decided in the last ``over`` seconds, and how many of them failed."""
    start = now - over
    decided = failed = 0
    first = bisect_left(column.intended, start - terms.timeout - RECORDED_WITHIN)
    for row in range(first, len(column)):
        intended, outcome = column.intended[row], column.outcome[row]
        ended = column.ended[row]
        if ended == NEVER:  # a request that was never sent has failed at once
            ended = intended if OUTCOMES[outcome] is Outcome.NEVER_SENT else intended + terms.timeout
        if start < ended <= now:
            decided += 1
            failed += outcome != _OK
    # The requests whose time-out fell into the window, and which are not on record.
    age = terms.timeout + RECORDED_WITHIN
    old = _missing(terms, column, begin, start - age, now - age)
    return decided + old, failed + old


def _latency(condition: Condition, terms: Terms, column: Column, begin: float, now: float) -> Reading:
    """Read a latency condition: the share of slow requests among those that are old enough to be slow."""
    end = now - condition.bound - RECORDED_WITHIN
    start = max(begin, end - condition.over)
    low, high = bisect_left(column.intended, start), bisect_left(column.intended, end)
    slow, quick = 0, []
    for row in range(low, high):
        latency = column.ended[row] - column.intended[row]
        if latency > condition.bound:  # also a request that was never sent: its user waited in vain
            slow += 1
        elif column.outcome[row] == _OK:  # a quick failure says nothing about latency
            quick.append(latency)
    slow += _missing(terms, column, begin, start, end)
    count = slow + len(quick)
    if count < condition.least:
        return _too_few(condition, terms, count)
    allowed = SLOW_SHARES[condition.measure]
    share = slow / count
    fires = share > allowed and slow >= 2
    rank = math.ceil(round((1 - allowed) * count, 9))
    value = sorted(quick)[rank - 1] if rank <= len(quick) else None
    name = condition.measure.partition("_")[0]
    says = (
        f"{terms.name} {name} {value:.3g} s" if value is not None else f"{terms.name} {name} over the bound"
    )
    near = 1.0 if fires else _near(value or 0.0, condition.bound) if value is not None else 0.99
    return Reading(condition, value, fires, near, says)


def _missing(terms: Terms, column: Column, begin: float, start: float, end: float) -> int:
    """The number of arrivals that were due in a period and are surely not on record."""
    start = max(start, begin)
    if end <= start:
        return 0
    known = bisect_left(column.intended, end) - bisect_left(column.intended, start)
    expected = terms.due(start - begin, end - begin)
    doubt = 1.0 if terms.pattern == "constant" else 1.0 + 4 * math.sqrt(expected)
    return max(0, math.floor(expected - doubt - known + 1e-9))


def _too_few(condition: Condition, terms: Terms, count: int) -> Reading:
    return Reading(condition, None, False, 0.0, f"{terms.name} {count} of {condition.least} requests needed")


def _near(value: float, bound: float) -> float:
    if bound <= 0:
        return 1.0 if value > bound else 0.0
    return max(0.0, min(1.0, value / bound))
