"""The independence matrix: what each journey declared about each fault, and what was seen.

It is computed from results alone, so an old journal gives the same matrix again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from chaoskit.experiment.result import Result
from chaoskit.judge import JourneyJudgement, Judgement, Standing, Verdict, relation
from chaoskit.record import journal
from chaoskit.record.journal_types import JournalHead

FILE = "independence.json"

Declared = Literal["needs", "uses", "neither"]
Seen = Literal["held", "degraded", "failed", "broken", "unknown"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One journey under one fault.

    Attributes:
        declared: whether the journey needs or uses what the fault hits.
        standing: what that allows it under this fault: see :class:`chaoskit.judge.Standing`.
        seen: ``held`` (kept its full SLO), ``degraded`` (left it, but kept what it owed), ``failed`` (as
            it was allowed to), ``broken`` (did not keep what it owed) or ``unknown``.
        note: a surprise: ``coupled`` (broken by a fault in something that it neither needs nor uses) or
            ``survived`` (it declares that it needs what was lost, and held without it).
    """

    declared: Declared
    standing: Standing
    seen: Seen
    note: Literal["", "coupled", "survived"] = ""

    @property
    def text(self) -> str:
        """How it is written in a table: ``uses: degraded``."""
        return f"{self.declared}: {self.seen}{f' ({self.note})' if self.note else ''}"


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment of the matrix."""

    experiment: str
    fault: str
    verdict: Verdict
    cells: Mapping[str, Cell]


def rows_of(results: Iterable[Result]) -> list[Row]:
    """The matrix of some results, one row for each."""
    return [row(each.name, each.fault, each.record) for each in results]


def write(folder: Path, results: Iterable[Result]) -> Path:
    """Write the matrix of a run beside its journals; returns the file.

    Raises:
        JournalUnwritable: the disk is full, or the file may not be written.
    """
    journal.put_json(folder / FILE, to_record(rows_of(results)), "the independence matrix cannot be written")
    return folder / FILE


def row(name: str, fault: str, record: JournalHead) -> Row:
    """The row of one experiment.

    Args:
        name, fault: the texts to show for the experiment and its fault.
        record: its journal.
    """
    judgement = Judgement.from_record(record["judgement"])
    components = journal.components_from_record(record["system"]["components"])
    impact = journal.impact_from_record(record["impact"])
    terms = {each["name"]: journal.terms_from_record(each) for each in record["system"]["journeys"]}
    cells = {
        each.journey: _cell(relation(terms[each.journey], components, impact), each, judgement.blast_radius)
        for each in judgement.journeys
    }
    return Row(name, fault, judgement.verdict, cells)


def _cell(declared: Declared, judged: JourneyJudgement, reached: Sequence[str]) -> Cell:
    stands = judged.standing
    found = {finding.promise: finding.verdict for finding in judged.findings}
    if Verdict.BROKEN in found.values():
        coupled = found.get("independence") is Verdict.BROKEN
        return Cell(declared, stands, "broken", "coupled" if coupled else "")
    if judged.verdict is Verdict.UNKNOWN:
        return Cell(declared, stands, "unknown")
    if stands is Standing.MAY_FAIL:
        if "survival" in found:
            return Cell(declared, stands, "held", "survived")
        return Cell(declared, stands, "failed")
    return Cell(declared, stands, "degraded" if judged.journey in reached else "held")


def table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The matrix as rows of cells, the heading first; ``-`` if an experiment does not have a journey."""
    journeys = list(dict.fromkeys(name for each in rows for name in each.cells))
    lines = [("experiment", *journeys)]
    for each in rows:
        cells = (each.cells[name].text if name in each.cells else "-" for name in journeys)
        lines.append((each.experiment, *cells))
    return lines


def to_record(rows: Iterable[Row]) -> dict[str, Any]:
    """The matrix as JSON-able data."""
    return {
        "version": 1,
        "experiments": [
            {
                "experiment": each.experiment,
                "fault": each.fault,
                "verdict": each.verdict.value,
                "journeys": {
                    name: {**asdict(cell), "standing": cell.standing.value}
                    for name, cell in each.cells.items()
                },
            }
            for each in rows
        ],
    }
