"""What the charts draw, as plain data for the page's script; all times in seconds from the zero.

The two charts of a journey, as the page's script finds them and as who does not see them hears them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chaoskit.judge import Standing
from chaoskit.report.page.facts import Facts, JourneyFacts
from chaoskit.report.page.html import Html, tag
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


def _journey(facts: Facts, journey: JourneyFacts) -> dict[str, Any]:
    mine = [each for each in facts.moments if each.journey == journey.terms.name]
    return {
        "marks": [{"name": each.name, "at": near(each.at)} for each in mine],
        "bounds": bounds(facts, journey),
        "levels": [_level(each, facts.edge - facts.zero) for each in journey.levels],
    }


def bounds(facts: Facts, journey: JourneyFacts) -> list[dict[str, Any]]:
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


_RATE = (("arrive", "requests that arrive"), ("fail", "of them fail"))
_LATENCY = (("p50", "p50"), ("p95", "p95"), ("p99", "p99"), ("bound", "promised"))


def rate(name: str, number: int, says: str) -> Html:
    """Requests per second.

    Args:
        name: the journey.
        number: which of its experiment's journeys it is in the page's data.
        says: its figures in words.
    """
    return _figure("rate", number, "Requests per second", _RATE, f"{name}: requests per second. {says}")


def latency(name: str, number: int, says: str) -> Html:
    """Quantiles of the latency; see :func:`rate`."""
    return _figure("latency", number, "Latency of successes", _LATENCY, f"{name}: latency, log scale. {says}")


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
            aria_label=f"{label} Arrow keys read it bin by bin; the table below has it all.",
            data_journey=number,
            data_kind=kind,
        ),
        class_="chart",
    )
