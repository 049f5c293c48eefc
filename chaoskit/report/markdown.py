"""The summary of a run in Markdown, for the job page of a CI service."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chaoskit.errors import EnvironmentFailure
from chaoskit.experiment.result import Result
from chaoskit.judge import Verdict
from chaoskit.report import independence

_MARKUP_CHARACTERS = re.compile(r"([\\`*_\[\]|~#!])")
_HTML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_VERDICT_SIGNS = {Verdict.HELD: "✅ HELD", Verdict.BROKEN: "❌ BROKEN", Verdict.UNKNOWN: "❔ UNKNOWN"}
_MOST_BYTES = 900_000
"""GitHub accepts 1 MiB from one step, and drops a larger summary."""


def summary(
    results: Sequence[Result], stopped: Sequence[tuple[str, str]] = (), *, means: str = "", folder: str = ""
) -> str:
    """The verdicts, what broke and why, which journey is independent of which fault, and recovery times.

    Args:
        results: the experiments.
        stopped: (test, error) of each experiment that reached no verdict.
        means: what the exit code means.
        folder: the folder with the journals and the report.
    """
    counts = Counter(result.verdict for result in results)
    told = [f"{counts[verdict]} {verdict.name}" for verdict in Verdict if counts[verdict]]
    if stopped:
        told.append(f"{len(stopped)} without a verdict")
    blocks = [f"## Chaos experiments: {', '.join(told) or 'none'}"]
    if means:
        blocks.append(escaped(means[0].upper() + means[1:] + "."))
    if results:
        blocks.append(table([("verdict", "experiment", "fault", "blast radius"), *map(_row, results)]))
    blocks += [block for result in results for block in _why(result)]
    blocks += [f"**{escaped(test)}** reached no verdict:\n\n{_quoted(error)}" for test, error in stopped]
    if results:
        matrix = independence.table(independence.rows_of(results))
        blocks += ["### Independence: what was declared, and what was seen", table(matrix)]
        blocks += ["### Recovery", table(_recoveries(results))]
    if folder:
        blocks.append(f"The journals and the report are among the artifacts of this run: {escaped(folder)}")
    return _cut("\n\n".join(blocks) + "\n\n")


def append(path: Path, text: str) -> None:
    """Append a summary to a file, which may hold the summaries of other steps.

    Raises:
        EnvironmentFailure: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise EnvironmentFailure(
            "the summary cannot be written",
            where=str(path),
            evidence=error.strerror or str(error),
            remedy="name another file with --chaos-summary",
        ) from error


def escaped(text: str) -> str:
    """Text that Markdown shows unchanged, in one line, in a cell of a table too."""
    return _MARKUP_CHARACTERS.sub(r"\\\1", " ".join(text.split()).translate(_HTML_ESCAPES))


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """A table of plain text; the first row is the heading."""
    head, *rest = (tuple(map(escaped, row)) for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rest))


def _row(result: Result) -> tuple[str, ...]:
    radius = ", ".join(result.judgement.blast_radius) or "none"
    return (_VERDICT_SIGNS[result.verdict], result.name, result.fault, radius)


def _why(result: Result) -> list[str]:
    """The promises that did not hold, with their figures."""
    lines = [
        f"- {_VERDICT_SIGNS[each.verdict]} "
        + escaped(f"{each.journey}: {each.promise}: {each.reason}".removeprefix(": "))
        for each in result.judgement.all_findings
        if each.verdict is not Verdict.HELD
    ]
    return [f"### {escaped(result.name)}", "\n".join(lines)] if lines else []


def _recoveries(results: Sequence[Result]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("experiment", "journey", "failed over in", "recovered in", "allowed")]
    for result in results:
        for each in result.judgement.journeys:
            if each.recovery is not None:
                allowed = f"{each.recovery.deadline:g} s"
                over = "-" if each.failover is None else each.failover.short()
                rows.append((result.name, each.journey, over, each.recovery.short(), allowed))
    return rows


def _quoted(text: str) -> str:
    fence = "~" * max(3, 1 + max((len(run) for run in re.findall(r"~+", text)), default=0))
    return f"{fence}\n{text.rstrip()}\n{fence}"


def _cut(text: str) -> str:
    data = text.encode()
    if len(data) <= _MOST_BYTES:
        return text
    kept = data[:_MOST_BYTES].decode(errors="ignore").rpartition("\n")[0]
    return f"{kept}\n\nThis summary is cut here. The report has the rest.\n\n"
