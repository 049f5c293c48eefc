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
        shades.append({"from": _near(times.inject - zero), "to": _near((times.gone or calm) - zero)})
        if times.landed is not None and times.lift is not None:
            shades.append({"from": _near(times.landed - zero), "to": _near(times.lift - zero), "full": True})
    return {
        "begin": _near(facts.begin - zero),
        "end": _near(facts.end - zero),
        "shades": shades,
        "marks": [{"name": each.name, "at": _near(each.at)} for each in facts.moments if each.name in _SHOWN],
        "journeys": [_journey(facts, each) for each in facts.journeys],
    }


def _journey(facts: Facts, journey: Journey) -> dict[str, Any]:
    mine = [each for each in facts.moments if each.journey == journey.terms.name]
    return {
        "marks": [{"name": each.name, "at": _near(each.at)} for each in mine],
        "bounds": bounds(facts, journey),
        "levels": [_level(each, facts.edge - facts.zero) for each in journey.levels],
    }


def bounds(facts: Facts, journey: Journey) -> list[dict[str, Any]]:
    """The latency promises as lines: what is owed before, under and after the fault."""
    zero, times, terms = facts.zero, facts.times, journey.terms
    begin, end = facts.begin - zero, facts.end - zero
    stands = journey.judged.standing
    if stands is Standing.UNAFFECTED or times.inject is None:
        return _lines(terms.slo, begin, end)
    inject = times.inject - zero
    calm = (times.calm if times.calm is not None else facts.end) - zero
    under = [] if stands is Standing.MAY_FAIL else _lines(terms.degraded or terms.slo, inject, calm)
    return [*_lines(terms.slo, begin, inject), *under, *_lines(terms.slo, calm, end)]


def _lines(slo: Slo, start: float, end: float) -> list[dict[str, Any]]:
    return [
        {"name": f"p{share * 100:g}", "ms": round(bound * 1000, 1), "from": _near(start), "to": _near(end)}
        for share, bound in slo.quantiles
        if end > start
    ]


def _level(bins: Bins, shift: float) -> dict[str, Any]:
    return {
        "start": _near(bins.start + shift),
        "width": bins.width,
        "requests": bins.requests,
        "failed": bins.failed,
        "p50_ms": _ms(bins.p50),
        "p95_ms": _ms(bins.p95),
        "p99_ms": _ms(bins.p99),
    }


def _ms(column: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(value * 1000, 1) for value in column]


def _near(seconds: float) -> float:
    return round(seconds, 3)
