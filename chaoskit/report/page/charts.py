"""What the charts draw, as plain data for the page's script; all times in seconds from the zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chaoskit.judge import Standing
from chaoskit.report.page.facts import Facts, Journey
from chaoskit.report.page.series import Bins
from chaoskit.system import Slo

_SHOWN = ("inject", "landed", "lift", "gone", "lapsed", "harness failure")


def data(facts: Facts) -> dict[str, Any]:
    """One experiment: ``begin`` and ``end``, the ``shades`` of the fault, the ``marks``, and for each
    journey its ``marks``, ``bounds`` and ``levels``.
    """
    zero, times = facts.zero, facts.times
    calm = times.calm if times.calm is not None else facts.end
    shades = []
    if times.inject is not None:
        shades.append({"from": near(times.inject - zero), "to": near((times.gone or calm) - zero)})
        if times.landed is not None and times.lift is not None:
            shades.append({"from": near(times.landed - zero), "to": near(times.lift - zero), "full": True})
    return {
        "begin": near(facts.begin - zero),
        "end": near(facts.end - zero),
        "shades": shades,
        "marks": [{"name": each.name, "at": near(each.at)} for each in facts.moments if each.name in _SHOWN],
        "journeys": [_journey(facts, each) for each in facts.journeys],
    }


def _journey(facts: Facts, journey: Journey) -> dict[str, Any]:
    mine = [each for each in facts.moments if each.journey == journey.terms.name]
    return {
        "marks": [{"name": each.name, "at": near(each.at)} for each in mine],
        "bounds": bounds(facts, journey),
        "levels": [_level(each, facts.edge - facts.zero) for each in journey.levels],
    }


def bounds(facts: Facts, journey: Journey) -> list[dict[str, Any]]:
    """The latency promises as lines: what is owed before, under and after the fault."""
    zero, times, terms = facts.zero, facts.times, journey.terms
    begin, end = facts.begin - zero, facts.end - zero
    stands = journey.judged.standing
    if stands is Standing.UNAFFECTED or times.inject is None:
        return promised(terms.slo, begin, end)
    inject = times.inject - zero
    calm = (times.calm if times.calm is not None else facts.end) - zero
    under = [] if stands is Standing.MAY_FAIL else promised(terms.degraded or terms.slo, inject, calm)
    return [*promised(terms.slo, begin, inject), *under, *promised(terms.slo, calm, end)]


def promised(slo: Slo, start: float, end: float) -> list[dict[str, Any]]:
    """What an SLO says of latency as lines from ``start`` to ``end``; none where that is no time."""
    return [
        {"name": f"p{share * 100:g}", "ms": round(bound * 1000, 1), "from": near(start), "to": near(end)}
        for share, bound in slo.quantiles
        if end > start
    ]


def _level(bins: Bins, shift: float) -> dict[str, Any]:
    return {
        "start": near(bins.start + shift),
        "width": bins.width,
        "requests": bins.requests,
        "failed": bins.failed,
        "p50_ms": milliseconds(bins.p50),
        "p95_ms": milliseconds(bins.p95),
        "p99_ms": milliseconds(bins.p99),
    }


def milliseconds(column: Sequence[float | None]) -> list[float | None]:
    """Seconds as the script takes them."""
    return [None if value is None else round(value * 1000, 1) for value in column]


def near(seconds: float) -> float:
    """As exactly as anybody can see."""
    return round(seconds, 3)
