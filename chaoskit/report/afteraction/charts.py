"""The data of the charts of the whole day; see :mod:`chaoskit.report.page.charts`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chaoskit.judge import Standing
from chaoskit.report.afteraction.day import RecordedDay, RecordedJourney, RecordedStep
from chaoskit.report.page.charts import milliseconds, promised, rounded
from chaoskit.report.page.series import BIN_WIDTHS, LEVEL_LIMITS, TABLE_ROWS

_MOST_BINS = 7200
"""The narrowest level has at most so many bins: two hours, second by second."""


def data(day: RecordedDay) -> dict[str, Any]:
    """The day in the form that the script of the page draws, with shades and marks for each step."""
    begin, end = day.series.start, day.series.end
    return {
        "begin": rounded(begin),
        "end": rounded(end),
        "shades": [shade for step in day.steps for shade in _shades(step, end)],
        "marks": [each for each in _marks(day) if begin <= each["at"] <= end],
        "journeys": [
            {"marks": [], "bounds": _bounds(day, each), "levels": _levels(day, each)}
            for each in day.series.journeys
        ],
    }


def span(step: RecordedStep, end: float) -> tuple[float, float] | None:
    """From the injection until evidence shows that the fault is gone; without evidence, until ``end``."""
    if step.injected is None:
        return None
    return step.injected, step.gone if step.gone is not None else end


def _shades(step: RecordedStep, end: float) -> list[dict[str, Any]]:
    found = span(step, end)
    if found is None:
        return []
    shades: list[dict[str, Any]] = [{"from": rounded(found[0]), "to": rounded(found[1])}]
    if step.landed is not None:
        lifted = step.lift if step.lift is not None else end
        shades.append({"from": rounded(step.landed), "to": rounded(lifted), "full": True})
    return shades


def _marks(day: RecordedDay) -> list[dict[str, Any]]:
    found = []
    for step in day.steps:
        for name in ("injected", "landed", "lift", "gone", "recovered"):
            at = getattr(step, name)
            if at is not None:
                mark = {"name": name.replace("injected", "inject"), "at": rounded(at)}
                found.append({**mark, "label": f"{step.number} inject"} if name == "injected" else mark)
    stops = (each for each in day.events if each.kind == "stop")
    found += [{"name": each.kind, "at": rounded(each.at)} for each in stops]
    return sorted(found, key=lambda mark: float(mark["at"]))


def _bounds(day: RecordedDay, journey: RecordedJourney) -> list[dict[str, Any]]:
    """The latency promises as lines; none under a fault if it is not known what it allowed."""
    lines: list[dict[str, Any]] = []
    at, end = day.series.start, day.series.end
    spans = [(found, step) for step in day.steps if (found := span(step, end)) is not None]
    for (start, stop), step in sorted(spans, key=lambda each: each[0]):
        lines += promised(journey.slo, at, min(start, end))
        stands = _standing(step, journey.name)
        if stands in (Standing.UNAFFECTED, Standing.DEGRADED):
            owed = (journey.degraded or journey.slo) if stands is Standing.DEGRADED else journey.slo
            lines += promised(owed, max(start, at), min(stop, end))
        at = max(at, stop)
    return [*lines, *promised(journey.slo, at, end)]


def _standing(step: RecordedStep, journey: str) -> Standing | None:
    judged = step.facts.judgement.journeys if step.facts is not None else ()
    return next((each.standing for each in judged if each.journey == journey), None)


def _levels(day: RecordedDay, journey: RecordedJourney) -> list[dict[str, Any]]:
    count, width = len(journey.arrivals), day.series.width
    most = [each for each, _ in LEVEL_LIMITS[:-1]] + [_MOST_BINS]
    return [_level(day, journey, each) for each in dict.fromkeys(times(count, width, each) for each in most)]


def times(count: int, width: float, most: int) -> int:
    """How many entries of the record to show as one bin, so that at most ``most`` bins result.

    The bins get a width of :data:`BIN_WIDTHS` where that is possible.
    """
    least = math.ceil(count / most)
    wanted = (round(each / width) for each in BIN_WIDTHS if math.isclose(each / width, round(each / width)))
    return next((each for each in wanted if each >= least), least)


def rows(day: RecordedDay, journey: RecordedJourney) -> dict[str, Any]:
    """The figures in few enough bins for a table."""
    return _level(day, journey, times(len(journey.arrivals), day.series.width, TABLE_ROWS))


def _level(day: RecordedDay, journey: RecordedJourney, together: int) -> dict[str, Any]:
    """One level of bins. Counts are added up. Quantiles cannot be added, so a bin shows the worst."""
    return {
        "start": rounded(day.series.start),
        "width": rounded(day.series.width * together),
        "requests": [sum(part) for part in _parts(journey.arrivals, together)],
        "failed": [sum(part) for part in _parts(journey.failed, together)],
        "p50_ms": _worst(journey.p50, together),
        "p95_ms": _worst(journey.p95, together),
        "p99_ms": _worst(journey.p99, together),
        **({"worst": rounded(day.series.width)} if together > 1 else {}),
    }


def _worst(column: Sequence[float | None], together: int) -> list[float | None]:
    known = ([each for each in part if each is not None] for part in _parts(column, together))
    return milliseconds([max(part, default=None) for part in known])


def _parts(column: Sequence[Any], together: int) -> list[Sequence[Any]]:
    return [column[start : start + together] for start in range(0, len(column), together)]
