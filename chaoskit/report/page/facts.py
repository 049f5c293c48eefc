"""A journal as the facts that the page tells, on one time line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaoskit import journal
from chaoskit.errors import UsageError
from chaoskit.judge import Finding, JourneyJudgement, Judgement, Moment, Phases, Verdict, moments
from chaoskit.judge.trace import Trace
from chaoskit.judge.windows import observed
from chaoskit.report import independence
from chaoskit.report.page.sources import Source
from chaoskit.system import Terms

ZEROS = {
    "landed": "the fault landed",
    "inject": "the injection began",
    "control": "the control window began",
    "": "the record begins",
}
"""What the time line may count from, the best first."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One journey of an experiment.

    Attributes:
        terms: what it promises.
        judged: what became of it.
        cell: what it declared and what was seen.
        trace: its requests.
    """

    terms: Terms
    judged: JourneyJudgement
    cell: independence.Cell
    trace: Trace


@dataclass(frozen=True, slots=True)
class Facts:
    """One experiment. Moments are on the journal's own clock; those of ``moments`` count from ``zero``.

    Attributes:
        file: the journal's file name.
        record: the journal.
        name, about, test, stage: what the experiment calls itself; empty where it does not say.
        fault: what was injected, or ``no fault``.
        judgement: the verdict.
        row: its row of the independence matrix.
        journeys: those that were judged.
        times: the phases.
        begin, end: what was observed.
        zero: the moment from which the page's time lines count, a key of ``ZEROS`` in ``zero_is``.
        moments: all of them, in their order.
        wall: seconds since 1970 at ``zero``; ``None`` where that is not known.
    """

    file: str
    record: Mapping[str, Any]
    name: str
    about: str
    test: str
    stage: str
    fault: str
    judgement: Judgement
    row: independence.Row
    journeys: Sequence[Journey]
    times: Phases
    begin: float
    end: float
    zero: float
    zero_is: str
    moments: Sequence[Moment]
    wall: float | None

    @property
    def edge(self) -> float:
        """The moment that no figure mixes what was before and after of: the injection, from which a
        fault disturbs; else the zero."""
        return self.zero if self.times.inject is None else self.times.inject

    @property
    def verdict(self) -> Verdict:
        """HELD, BROKEN or UNKNOWN."""
        return self.judgement.verdict

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings: on the whole first, then journey by journey."""
        return self.judgement.all_findings

    @property
    def decisive(self) -> tuple[Finding, ...]:
        """The findings that make the verdict what it is; all of them where it has held."""
        return tuple(each for each in self.findings if each.verdict is self.verdict)


def of(source: Source) -> Facts:
    """The facts of a journal.

    Raises:
        UsageError: it is not as its schema says.
    """
    try:
        return _facts(source.file, source.record)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UsageError(
            "this journal is not as journal.schema.json says",
            where=source.file,
            evidence=f"{type(error).__name__}: {error}",
            remedy="report the journal as chaoskit wrote it",
        ) from error


def _facts(file: str, record: Mapping[str, Any]) -> Facts:
    history = journal.history_from_record(record["history"])
    marks = history.marks
    terms = {each["name"]: journal.terms_from_record(each) for each in record["system"]["journeys"]}
    times, found, last = observed(list(terms.values()), history)
    judgement = Judgement.from_record(record["judgement"])
    about = record["experiment"]
    faults = [str(mark.detail.get("fault", "")) for mark in marks if mark.name == "inject"]
    fault = " + ".join(faults) or "no fault"
    row = independence.row(about["name"], fault, record)
    zero_is = next((name for name in ("landed", "inject", "control") if getattr(times, name) is not None), "")
    zero: float = getattr(times, zero_is) if zero_is else 0.0
    wall = (record.get("logs") or {}).get("wall_at_origin")
    return Facts(
        file=file,
        record=record,
        name=str(about["name"]),
        about=str(about.get("about") or ""),
        test=str(about.get("test") or ""),
        stage=str(about.get("stage") or _stage(record)),
        fault=fault,
        judgement=judgement,
        row=row,
        journeys=[
            Journey(terms[each.journey], each, row.cells[each.journey], found[each.journey])
            for each in judgement.journeys
        ],
        times=times,
        begin=journal.origin(history),
        end=max(times.end, last),
        zero=zero,
        zero_is=zero_is,
        moments=[
            Moment(each.name, each.at - zero, each.says, each.journey)
            for each in moments(marks, times, judgement)
        ],
        wall=None if wall is None else wall + zero,
    )


def _stage(record: Mapping[str, Any]) -> str:
    return next((str(each["stage"]) for each in record["faults"] if each.get("stage")), "")


def worst_recovery(facts: Facts) -> JourneyJudgement | None:
    """The journey whose recovery tells most: one that was not seen to recover, else the slowest."""
    known = [each for each in facts.judgement.journeys if each.recovery is not None]

    def took(each: JourneyJudgement) -> float:
        recovery = each.recovery
        return float("inf") if recovery is None or recovery.seconds is None else recovery.seconds

    return max(known, key=took, default=None)
