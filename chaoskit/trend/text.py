"""A trend as text for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from chaoskit.judge import Verdict
from chaoskit.report.terminal import aligned
from chaoskit.trend.flakiness import NightlyCourse
from chaoskit.trend.measures import FALSE_DISCOVERY_RATE, FEWEST_EARLIER_NIGHTS, Comparison, span
from chaoskit.trend.trend import Night, Regression, Trend, TrendLine

_VERDICT_SIGNS = {Verdict.HELD: "H", Verdict.BROKEN: "B", Verdict.UNKNOWN: "?", None: "·"}


def render(trend: Trend) -> str:
    """The trend as text for a terminal."""
    nights = trend.nights
    count = f"{len(nights)} night{'s' if len(nights) != 1 else ''}"
    lines = [f"{count}, the last {_night(nights[-1])}", ""]
    lines.append("verdicts, the oldest first: H held, B broken, ? unknown, · did not run")
    lines += [f"  {line}" for line in aligned([_line(each) for each in trend.lines]).splitlines()]
    if trend.comparisons:
        lines += ["", "last night; in parentheses, the earlier nights in which the journey held"]
        lines += [f"  {line}" for line in aligned(_figures(trend.comparisons)).splitlines()]
    tested = sum(each.chance is not None for each in trend.comparisons)
    lines.append("")
    if trend.regressions:
        lines += [line for each in trend.regressions for line in _regression(each, tested)]
    elif tested:
        lines.append(f"no regression in {tested} comparisons with the earlier nights")
    else:
        lines.append(
            f"nothing to compare: this needs {FEWEST_EARLIER_NIGHTS} earlier nights in which a journey held"
        )
    return "\n".join(lines)


def to_record(trend: Trend) -> dict[str, Any]:
    """The trend as JSON-able data."""
    return {
        "version": 1,
        "nights": [{"run": each.run, "at": each.at, "commit": each.commit} for each in trend.nights],
        "experiments": [asdict(each) for each in trend.lines],
        "comparisons": [asdict(each) for each in trend.comparisons],
        "false_discoveries": FALSE_DISCOVERY_RATE,
        "regressions": [asdict(each) for each in trend.regressions],
    }


def _night(night: Night) -> str:
    return f"at {night.at}" + (f" on {night.commit[:10]}" if night.commit else "")


def _line(line: TrendLine) -> tuple[str, ...]:
    said = "" if line.course is NightlyCourse.HELD else str(line.course)
    if line.not_held:
        said += f": not held on {line.not_held} of {line.nights} nights"
    return ("".join(_VERDICT_SIGNS[each] for each in line.verdicts), line.experiment, line.fault, said)


def _figures(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (
            "experiment",
            "journey",
            "failed over in",
            "recovered in",
            "bad requests under the fault",
            "p95 under the fault",
        )
    ]
    journeys: dict[tuple[str, str], list[Comparison]] = {}
    for each in comparisons:
        journeys.setdefault((each.experiment, each.journey), []).append(each)
    for (experiment, journey), found in journeys.items():
        recovery = next((each for each in found if each.what == "recovery"), None)
        failover = next((each for each in found if each.what == "fail-over"), None)
        p95 = next((each for each in found if each.what == "latency"), None)
        # Of several promises, show the one that is nearest to its budget.
        shares = [each for each in found if each.what not in ("recovery", "fail-over", "latency")]
        share = max(shares, key=lambda each: each.last / (each.limit or 1.0), default=None)
        rows.append(
            (
                experiment,
                journey,
                _cell(failover, " s"),
                _cell(recovery, " s"),
                _cell(share, "%", 100.0),
                _cell(p95, " ms", 1000.0, 0),
            )
        )
    if not any(each.what == "fail-over" for each in comparisons):
        return [(*row[:2], *row[3:]) for row in rows]
    return rows


def _cell(comparison: Comparison | None, unit: str, scale: float = 1.0, digits: int = 1) -> str:
    if comparison is None:
        return "-"
    before = span([value * scale for value in comparison.before], digits)
    last = f"{comparison.last * scale:.{digits}f}{unit}"
    return f"{last} ({before})" if comparison.before else last


def _regression(found: Regression, tested: int) -> list[str]:
    whose = f"{found.experiment} {found.journey}".strip()
    lines = [f"REGRESSION {whose}: {found.what}", f"  {found.evidence}"]
    if found.chance is not None and found.adjusted is not None:
        lines.append(
            f"  p = {found.chance:.2g}; adjusted for {tested} comparisons (Benjamini-Hochberg): "
            f"{found.adjusted:.2g}; flagged at {FALSE_DISCOVERY_RATE:g} or less"
        )
    return lines
