"""Stop conditions: what lifts everything by itself. Pure functions over the samples known so far.

Requests in flight are not in the record. Those that are too old count all the same: for
``p95_above`` a request is slow as soon as it is older than the bound, and for the others it has
failed as soon as it is older than its journey's time-out, whatever became of it. Arrivals that are
due by the schedule and not in the record are in flight.
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

SHARES: Mapping[str, float] = {"p50_above": 0.5, "p95_above": 0.05, "p99_above": 0.01}
"""The share of requests that may be slower than the bound."""

GRACE = 0.5
"""Seconds that a sample may take from its end to the record; longer than the load process ever keeps one."""

EVERY = "*"
"""Any journey."""

_OK = OUTCOMES.index(Outcome.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When everything is lifted.

    Attributes:
        name: what it is called; its own text, if it was given no other.
        measure: what is looked at.
        bound: a share (``availability_below``), seconds (``p…_above``, ``lasts``), or failures a
            second.
        journey: whose requests; ``*`` for any journey's. Of no meaning for ``lasts``.
        over: seconds that are looked back.
        least: requests without which nothing is decided; never fewer than two bad ones decide.
    """

    name: str = ""
    measure: Measure
    bound: float
    journey: str = EVERY
    over: float = 5.0
    least: int = 10

    @property
    def text(self) -> str:
        """In words, with units."""
        if self.measure == "lasts":
            return f"a fault is active longer than {self.bound:g} s"
        who = "any journey" if self.journey == EVERY else self.journey
        if self.measure == "availability_below":
            what = f"availability below {self.bound * 100:g}%"
        elif self.measure == "failures_per_s_above":
            what = f"more than {self.bound:g} failures a second"
        else:
            what = f"{self.measure.partition('_')[0]} above {self.bound:g} s"
        return f"{who}: {what} over {self.over:g} s"

    @property
    def title(self) -> str:
        """Its name, or its text."""
        return self.name or self.text


@dataclass(frozen=True, slots=True)
class Reading:
    """How close a condition is.

    Attributes:
        condition: which.
        value: what is measured now, in the unit of the bound; ``None`` while too little is known.
        fires: whether it stops the game day.
        near: 0 (far away) to 1 (there).
        says: in words, with the figures.
    """

    condition: Condition
    value: float | None
    fires: bool
    near: float
    says: str


def lookback(conditions: Iterable[Condition], terms: Iterable[Terms]) -> float:
    """Seconds of samples that conditions need to see."""
    longest = max((each.timeout for each in terms), default=0.0)
    return (
        max(
            (each.over + max(longest, each.bound if each.measure in SHARES else 0.0) for each in conditions),
            default=0.0,
        )
        + 2 * GRACE
    )


def read(
    condition: Condition,
    terms: Sequence[Terms],
    columns: Columns,
    *,
    begin: float,
    now: float,
    active_since: Iterable[float] = (),
) -> Reading:
    """Look at a condition.

    Args:
        condition: which.
        terms: the journeys.
        columns: their samples of the last :func:`lookback` seconds.
        begin: when the load began.
        now: the moment.
        active_since: when each fault that is active now was injected.
    """
    if condition.measure == "lasts":
        lasts = max((now - since for since in active_since), default=0.0)
        fires = lasts > condition.bound
        return Reading(condition, lasts, fires, _near(lasts, condition.bound), f"{lasts:.0f} s")
    readings = [
        _journey(condition, each, columns.get(each.name) or Column(each.name), begin, now)
        for each in terms
        if condition.journey in (EVERY, each.name)
    ]
    nothing = Reading(condition, None, False, 0.0, "no such journey")
    return max(readings, key=lambda each: (each.fires, each.near), default=nothing)


def _journey(condition: Condition, terms: Terms, column: Column, begin: float, now: float) -> Reading:
    if condition.measure in SHARES:
        return _latency(condition, terms, column, begin, now)
    decided, failed = _decided(terms, column, begin, now, condition.over)
    if condition.measure == "failures_per_s_above":
        seconds = min(condition.over, max(now - begin, GRACE))
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
    """Requests whose fate was decided in the last ``over`` seconds, and those of them that failed."""
    start = now - over
    decided = failed = 0
    first = bisect_left(column.intended, start - terms.timeout - GRACE)
    for row in range(first, len(column)):
        intended, outcome = column.intended[row], column.outcome[row]
        ended = column.ended[row]
        if ended == NEVER:  # never sent: its user was turned away at once
            ended = intended if OUTCOMES[outcome] is Outcome.NEVER_SENT else intended + terms.timeout
        if start < ended <= now:
            decided += 1
            failed += outcome != _OK
    # Whatever should have ended by its time-out in the window, and is not on record.
    old = _missing(terms, column, begin, start - terms.timeout - GRACE, now - terms.timeout - GRACE)
    return decided + old, failed + old


def _latency(condition: Condition, terms: Terms, column: Column, begin: float, now: float) -> Reading:
    """The share of slow requests among those that are old enough to be slow."""
    end = now - condition.bound - GRACE
    start = max(begin, end - condition.over)
    low, high = bisect_left(column.intended, start), bisect_left(column.intended, end)
    slow, quick = 0, []
    for row in range(low, high):
        latency = column.ended[row] - column.intended[row]
        if latency > condition.bound:  # one that never was sent, too: its user waited in vain
            slow += 1
        elif column.outcome[row] == _OK:  # a quick failure says nothing of latency
            quick.append(latency)
    slow += _missing(terms, column, begin, start, end)
    count = slow + len(quick)
    if count < condition.least:
        return _too_few(condition, terms, count)
    allowed = SHARES[condition.measure]
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
    """Arrivals that were due in a stretch and are not on record, as far as that is sure."""
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
