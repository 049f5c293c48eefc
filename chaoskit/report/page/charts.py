"""The two charts of a journey: their data, and their markup.

The data is for the script of the page; all times are seconds from the zero. The markup is what the script
needs to draw a chart, with a text alternative for screen readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chaoskit.judge import Standing
from chaoskit.report.page.facts import Facts, JourneyFacts
from chaoskit.report.page.html import Html, tag
from chaoskit.report.page.series import Bins
from chaoskit.system import Slo

_MARKED_MOMENTS = ("inject", "landed", "lift", "gone", "lapsed", "harness failure")


def data(facts: Facts) -> dict[str, Any]:
    """The data of one experiment: ``begin`` and ``end``, the ``shades`` of the fault, the ``marks``, and
    for each journey its ``marks``, ``bounds`` and ``levels``.
    """
    zero, times = facts.zero, facts.times
    calm = times.calm if times.calm is not None else facts.end
    shades = []
    if times.inject is not None:
        shades.append({"from": rounded(times.inject - zero), "to": rounded((times.gone or calm) - zero)})
        if times.landed is not None and times.lift is not None:
            shades.append(
                {"from": rounded(times.landed - zero), "to": rounded(times.lift - zero), "full": True}
            )
    return {
        "begin": rounded(facts.begin - zero),
        "end": rounded(facts.end - zero),
        "shades": shades,
        "marks": [
            {"name": each.name, "at": rounded(each.at)}
            for each in facts.moments
            if each.name in _MARKED_MOMENTS
        ],
        "journeys": [_journey(facts, each) for each in facts.journeys],
    }


def _journey(facts: Facts, journey: JourneyFacts) -> dict[str, Any]:
    mine = [each for each in facts.moments if each.journey == journey.terms.name]
    return {
        "marks": [{"name": each.name, "at": rounded(each.at)} for each in mine],
        "bounds": bounds(facts, journey),
        "levels": [_level(each, facts.edge - facts.zero) for each in journey.levels],
    }


def bounds(facts: Facts, journey: JourneyFacts) -> list[dict[str, Any]]:
    """The latency promises as lines: what the journey owed before, under and after the fault."""
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
    """The latency promises of an SLO as lines from ``start`` to ``end``; none if that takes no time."""
    return [
        {
            "name": f"p{share * 100:g}",
            "ms": round(bound * 1000, 1),
            "from": rounded(start),
            "to": rounded(end),
        }
        for share, bound in slo.quantiles
        if end > start
    ]


def _level(bins: Bins, shift: float) -> dict[str, Any]:
    return {
        "start": rounded(bins.start + shift),
        "width": bins.width,
        "requests": bins.requests,
        "failed": bins.failed,
        "p50_ms": milliseconds(bins.p50),
        "p95_ms": milliseconds(bins.p95),
        "p99_ms": milliseconds(bins.p99),
    }


def milliseconds(column: Sequence[float | None]) -> list[float | None]:
    """Seconds as milliseconds, for the script."""
    return [None if value is None else round(value * 1000, 1) for value in column]


def rounded(seconds: float) -> float:
    """Rounded to a millisecond, which is finer than a chart can show."""
    return round(seconds, 3)


_RATE_KEYS = (("arrive", "requests arriving"), ("fail", "requests failing"))
_LATENCY_KEYS = (("p50", "p50"), ("p95", "p95"), ("p99", "p99"), ("bound", "promised"))


def rate(name: str, number: int, says: str) -> Html:
    """The chart of requests per second.

    Args:
        name: the journey.
        number: the index of the journey in the data of its experiment.
        says: its figures in words.
    """
    return _figure("rate", number, "Requests per second", _RATE_KEYS, f"{name}: requests per second. {says}")


def latency(name: str, number: int, says: str) -> Html:
    """The chart of latency quantiles; its arguments are those of :func:`rate`."""
    label = f"{name}: latency, log scale. {says}"
    return _figure("latency", number, "Latency of successful requests", _LATENCY_KEYS, label)


def _figure(kind: str, number: int, title: str, keys: tuple[tuple[str, str], ...], label: str) -> Html:
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("span", title, class_="title"),
            [tag("span", text, class_=f"key {name}") for name, text in keys],
        ),
        tag("p", class_="readout", aria_hidden="true"),
        tag(
            "div",
            class_="plot",
            role="img",
            tabindex="0",
            aria_label=f"{label} Arrow keys read the chart step by step. The table below has all figures.",
            data_journey=number,
            data_kind=kind,
        ),
        class_="chart",
    )
