"""The facts of one experiment that the report shows, read from its journal and put on one time line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import cast

from chaoskit.errors import UsageError
from chaoskit.judge import Finding, JourneyJudgement, Judgement, Moment, Phases, Verdict, moments
from chaoskit.judge.phases import observed
from chaoskit.judge.trace import Trace
from chaoskit.record import journal
from chaoskit.record.journal_types import Journal, JournalHead
from chaoskit.report import independence
from chaoskit.report.page.series import Bins, levels, rows
from chaoskit.system import Terms

ZERO_MOMENTS = {
    "landed": "the fault landed",
    "inject": "the injection began",
    "control": "the control window began",
    "": "the record began",
}
"""The moments from which the time line may count, the best first."""


@dataclass(frozen=True, slots=True)
class Failures:
    """One kind of failure of a journey.

    Attributes:
        error: the error that those requests got; empty if they had no answer before the load ended.
        count: how many requests got it.
        first: when the first of them was due, on the journal's clock.
    """

    error: str
    count: int
    first: float


@dataclass(frozen=True, slots=True)
class JourneyFacts:
    """One journey of an experiment. Of its requests it keeps only what the page shows.

    Attributes:
        terms: what it promises.
        judged: the judge's verdict on it.
        cell: what it declared, and what was seen.
        requests: how many requests were judged.
        levels: the requests by intervals of time, for the charts, from wide to narrow intervals.
        rows: the same in few enough intervals for a table.
        failures: the kinds of failures, the most frequent first.
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
        name, about, test, stage: what the experiment says about itself; empty where it says nothing.
        fault: what was injected, or ``no fault``.
        judgement: the judgement of the whole experiment.
        row: its row of the independence matrix.
        journeys: the journeys that were judged.
        times: when each phase began.
        begin, end: the first and the last moment that were observed.
        zero: the moment from which the time lines of the page count.
        zero_is: which moment that is, a key of ``ZERO_MOMENTS``.
        edge: no figure mixes requests from before and after this moment. It is the injection, because
            a fault disturbs from then on; without an injection it is the zero.
        moments: all moments, in the order of time.
        wall: seconds since 1970 at ``zero``; ``None`` if the journal does not tell.
    """

    file: str
    record: JournalHead
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
        """All findings: those on the whole experiment first, then journey by journey."""
        return self.judgement.all_findings

    @property
    def decisive(self) -> tuple[Finding, ...]:
        """The findings that decided the verdict; all findings if it is HELD."""
        return tuple(each for each in self.findings if each.verdict is self.verdict)


def of(file: str, record: Journal) -> Facts:
    """The facts of a journal.

    Args:
        file: the name of its file.
        record: its content. Of its history the facts keep only what the page shows.

    Raises:
        UsageError: the journal does not match its schema.
    """
    try:
        return _facts(file, record)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise UsageError(
            "the journal does not match journal.schema.json",
            where=file,
            evidence=f"{type(error).__name__}: {error}",
            remedy="use the journal exactly as chaoskit wrote it",
        ) from error


def _facts(file: str, record: Journal) -> Facts:
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
    logs = record.get("logs")
    wall = logs.get("wall_at_origin") if logs else None
    return Facts(
        file=file,
        record=cast(JournalHead, {key: value for key, value in record.items() if key != "history"}),
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


def _stage(record: JournalHead) -> str:
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
