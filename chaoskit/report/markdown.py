"""The summary of a run in Markdown, for the page of a job in continuous integration."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chaoskit.errors import EnvironmentFailure
from chaoskit.experiment.result import Result
from chaoskit.judge import Verdict
from chaoskit.report import independence

_SPECIAL = re.compile(r"([\\`*_\[\]|~#!])")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SIGNS = {Verdict.HELD: "✅ HELD", Verdict.BROKEN: "❌ BROKEN", Verdict.UNKNOWN: "❔ UNKNOWN"}
_LIMIT_BYTES = 900_000
"""GitHub takes a mebibyte from one step, and drops a summary that is larger."""


def summary(
    results: Sequence[Result], stopped: Sequence[tuple[str, str]] = (), *, means: str = "", folder: str = ""
) -> str:
    """Verdicts, what broke and why, who is independent of what, and how long recovery took.

    Args:
        results: the experiments.
        stopped: (test, error) of those that came to no verdict.
        means: what the exit code says.
        folder: where the journals and the report are.
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
    blocks += [f"**{escaped(test)}** came to no verdict:\n\n{_quoted(error)}" for test, error in stopped]
    if results:
        matrix = independence.table(independence.rows_of(results))
        blocks += ["### Independence: declared, and seen", table(matrix)]
        blocks += ["### Recovery", table(_recoveries(results))]
    if folder:
        blocks.append(f"Journals and the report are among the artifacts of this run: {escaped(folder)}")
    return _cut("\n\n".join(blocks) + "\n\n")


def append(path: Path, text: str) -> None:
    """Add a summary to a file, which may hold those of other steps.

    Raises:
        EnvironmentFailure: it cannot be written.
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
    """Text that Markdown shows as it is, in one line, also in a cell of a table."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()).translate(_HTML))


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """A table of plain text, the heading first."""
    head, *rest = (tuple(map(escaped, row)) for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rest))


def _row(result: Result) -> tuple[str, ...]:
    radius = ", ".join(result.judgement.blast_radius) or "none"
    return (_SIGNS[result.verdict], result.name, result.fault, radius)


def _why(result: Result) -> list[str]:
    """What did not hold, with its figures."""
    lines = [
        f"- {_SIGNS[each.verdict]} "
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
    if len(data) <= _LIMIT_BYTES:
        return text
    kept = data[:_LIMIT_BYTES].decode(errors="ignore").rpartition("\n")[0]
    return f"{kept}\n\nCut here: the rest is in the report.\n\n"
