"""A journal as the facts that the page tells, on one time line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from chaoskit.errors import UsageError
from chaoskit.judge import Finding, JourneyJudgement, Judgement, Moment, Phases, Verdict, moments
from chaoskit.judge.phases import observed
from chaoskit.judge.trace import Trace
from chaoskit.record import journal
from chaoskit.report import independence
from chaoskit.report.page.series import Bins, levels, rows
from chaoskit.system import Terms

ZEROS = {
    "landed": "the fault landed",
    "inject": "the injection began",
    "control": "the control window began",
    "": "the record begins",
}
"""What the time line may count from, the best first."""


@dataclass(frozen=True, slots=True)
class Failures:
    """One kind of failure of a journey.

    Attributes:
        error: what those requests were told; empty if there was no answer within the time left.
        count: how many they were.
        first: when the first of them was due, on the journal's clock.
    """

    error: str
    count: int
    first: float


@dataclass(frozen=True, slots=True)
class JourneyFacts:
    """One journey of an experiment: of its requests only what is shown.

    Attributes:
        terms: what it promises.
        judged: what became of it.
        cell: what it declared and what was seen.
        requests: how many were judged.
        levels: they by stretches of time, for the charts, from wide to narrow.
        rows: the same, so few that they can be read as a table.
        failures: of each kind, the most frequent first.
    """

    terms: Terms
    judged: JourneyJudgement
    cell: independence.Cell
    requests: int
    levels: Sequence[Bins]
    rows: Bins
    failures: Sequence[Failures]


@dataclass(frozen=True, slots=True)
class Facts:
    """One experiment. Moments are on the journal's own clock; those of ``moments`` count from ``zero``.

    Attributes:
        file: the journal's file name.
        record: the journal without its history.
        name, about, test, stage: what the experiment calls itself; empty where it does not say.
        fault: what was injected, or ``no fault``.
        judgement: the verdict.
        row: its row of the independence matrix.
        journeys: those that were judged.
        times: the phases.
        begin, end: what was observed.
        zero: the moment from which the page's time lines count, a key of ``ZEROS`` in ``zero_is``.
        edge: the moment that no figure mixes what was before and after of: the injection, from which
            a fault disturbs; else the zero.
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
    journeys: Sequence[JourneyFacts]
    times: Phases
    begin: float
    end: float
    zero: float
    zero_is: str
    edge: float
    moments: Sequence[Moment]
    wall: float | None

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


def of(file: str, record: Mapping[str, Any]) -> Facts:
    """The facts of a journal.

    Args:
        file: the name of its file.
        record: what is in it; nothing of its history is kept but what is shown.

    Raises:
        UsageError: it is not as its schema says.
    """
    try:
        return _facts(file, record)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise UsageError(
            "this journal is not as journal.schema.json says",
            where=file,
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
    edge = zero if times.inject is None else times.inject
    begin, end = journal.origin(history), max(times.end, last)
    wall = (record.get("logs") or {}).get("wall_at_origin")
    return Facts(
        file=file,
        record={key: value for key, value in record.items() if key != "history"},
        name=str(about["name"]),
        about=str(about.get("about") or ""),
        test=str(about.get("test") or ""),
        stage=str(about.get("stage") or _stage(record)),
        fault=fault,
        judgement=judgement,
        row=row,
        journeys=[
            JourneyFacts(
                terms=terms[each.journey],
                judged=each,
                cell=row.cells[each.journey],
                requests=len(trace),
                levels=levels(trace, edge, begin, end),
                rows=rows(trace, edge, begin, end),
                failures=_failures(trace),
            )
            for each in judgement.journeys
            for trace in [found[each.journey]]
        ],
        times=times,
        begin=begin,
        end=end,
        zero=zero,
        zero_is=zero_is,
        edge=edge,
        moments=[
            Moment(each.name, each.at - zero, each.says, each.journey)
            for each in moments(marks, times, judgement)
        ],
        wall=None if wall is None else wall + zero,
    )


def _failures(trace: Trace) -> list[Failures]:
    first: dict[str, float] = {}
    kinds: Counter[str] = Counter()
    for at, error in zip(compress(trace.at, trace.failed), compress(trace.error, trace.failed), strict=True):
        text = trace.errors[error]
        kinds[text] += 1
        first.setdefault(text, at)
    return [Failures(text, count, first[text]) for text, count in kinds.most_common()]


def _stage(record: Mapping[str, Any]) -> str:
    return next((str(each["stage"]) for each in record["faults"] if each.get("stage")), "")


def worst_recovery(facts: Facts) -> JourneyJudgement | None:
    """The journey whose recovery tells most: one that was not seen to recover, else the slowest."""
    known = [each for each in facts.judgement.journeys if each.recovery is not None]

    def took(each: JourneyJudgement) -> tuple[float, float]:
        recovery = each.recovery
        if recovery is None or recovery.seconds is None:
            return float("inf"), 0.0
        return recovery.seconds, recovery.gap

    return max(known, key=took, default=None)
