"""The texts for a terminal: the table of verdicts, the independence matrix, and why a promise broke."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chaoskit.experiment.result import Result
from chaoskit.judge import JourneyJudgement, Verdict
from chaoskit.report import independence

_TABLE_HEADINGS = ("verdict", "experiment", "fault", "blast radius", "recovered in")


def table(results: Iterable[Result]) -> str:
    """The table of verdicts, one line for each experiment."""
    rows = [_TABLE_HEADINGS]
    for result in results:
        radius = ", ".join(result.judgement.blast_radius) or "none"
        rows.append((result.verdict.name, result.name, result.fault, radius, _recovery(result)))
    return aligned(rows)


def matrix(results: Iterable[Result]) -> str:
    """The independence matrix: what each journey declared in each experiment, and what was seen."""
    return aligned(independence.table(independence.rows_of(results)))


def explain(result: Result) -> str:
    """Why the verdict is what it is: figures journey by journey, the reasons, and where the journal is."""
    judgement = result.judgement
    lines = [f"{result.verdict.name}  {result.name}: {result.fault}", ""]
    rows: list[tuple[str, ...]] = [
        ("verdict", "journey", "standing", "control", "fault", "failed over in", "recovered in")
    ]
    rows += [_journey_row(journey) for journey in judgement.journeys]
    if not any(each.failover is not None and each.failover.disturbed for each in judgement.journeys):
        rows = [(*row[:-2], row[-1]) for row in rows]
    lines += [f"  {line}" for line in aligned(rows).splitlines()]
    reasons = [
        f"  {finding.verdict.name:<8} {finding.journey + ': ' if finding.journey else ''}"
        f"{finding.promise}: {finding.reason}"
        for finding in judgement.all_findings
        if finding.verdict is not Verdict.HELD
    ]
    if reasons:
        lines += ["", *reasons]
    for mistake in _mistakes(result):
        lines += ["", *(f"  {line}" for line in mistake.splitlines())]
    lines += ["", f"  journal: {result.journal}"]
    return "\n".join(lines)


def _mistakes(result: Result) -> Iterable[str]:
    """Errors in the code of the journeys, as the load process saw them. The traceback is one of the user's
    own code."""
    for mark in result.record["history"]["marks"]:
        if mark["name"] == "journey-error":
            yield "\n".join(f"{key}: {value}" for key, value in mark["detail"].items())


def _journey_row(journey: JourneyJudgement) -> tuple[str, ...]:
    recovery = journey.recovery
    return (
        journey.verdict.name,
        journey.journey,
        journey.standing.value,
        _phase(journey, "control"),
        _phase(journey, "fault"),
        "-" if journey.failover is None else journey.failover.short(),
        "-" if recovery is None or recovery.seconds is None else recovery.short(),
    )


def _phase(journey: JourneyJudgement, phase: str) -> str:
    figures = journey.summary.get(phase)
    if figures is None or not figures.samples:
        return "-"
    p95 = "-" if figures.p95 is None else f"{figures.p95 * 1000:.0f} ms"
    return f"{(1 - figures.failed_share) * 100:.1f}% ok of {figures.samples}, p95 {p95}"


def _recovery(result: Result) -> str:
    seen = [each.recovery for each in result.judgement.journeys if each.recovery is not None]
    times = [recovery.seconds for recovery in seen if recovery.seconds is not None]
    if not times or len(times) < len(seen):
        return "-"
    return max(seen, key=lambda each: (each.seconds or 0.0, each.gap)).short()


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of cells as lines of text, with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
