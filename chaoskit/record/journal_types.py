"""The journal as Python types; ``journal.schema.json`` beside this file says the same to every other reader.

A test keeps the two equal. The names of the types end in ``Record``; times are seconds from
:attr:`HistoryRecord.origin <HistoryRecord>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from chaoskit.system.arrivals import Pattern

VerdictWord = Literal["held", "broken", "unknown"]
"""A verdict as the journal writes it."""


class SloRecord(TypedDict):
    """A :class:`chaoskit.system.Slo`; bounds in seconds, ``None`` where nothing is promised."""

    availability: float
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    recovery: float
    fails_within: float | None
    within: float


class CourseRecord(TypedDict):
    """A :class:`chaoskit.system.arrivals.Course`: (seconds, factor) pairs."""

    knots: Sequence[tuple[float, float]]


class TermsRecord(TypedDict):
    """A :class:`chaoskit.system.Terms`. Older journals have neither ``pattern`` nor ``course``."""

    name: str
    rate: float
    slo: SloRecord
    needs: Sequence[str]
    uses: Sequence[str]
    degraded: SloRecord | None
    ledger: bool
    timeout: float
    pattern: NotRequired[Pattern]
    course: NotRequired[CourseRecord]


class ComponentRecord(TypedDict):
    """A :class:`chaoskit.system.Component`."""

    name: str
    service: str
    index: int
    image: str


class ImpactRecord(TypedDict):
    """A :class:`chaoskit.system.Impact`; ``severed`` and ``hampered`` hold [consumer, provider] pairs."""

    lost: Sequence[str]
    strained: Sequence[str]
    severed: Sequence[Sequence[str]]
    hampered: Sequence[Sequence[str]]


class ExperimentRecord(TypedDict):
    """The experiment's name, and facts of its test. An experiment may add facts of its own.

    ``test`` is the test's id, ``about`` its docstring, ``session`` the name of the test session, and
    ``commit`` the revision under test.
    """

    name: str
    test: NotRequired[str]
    stage: NotRequired[str | None]
    about: NotRequired[str | None]
    session: NotRequired[str]
    commit: NotRequired[str | None]


class RunRecord(TypedDict):
    """The run: its label, the seed, and which load of its environment this was, from 1."""

    id: str
    seed: int
    written_at: str
    turn: NotRequired[int]


class SystemRecord(TypedDict):
    """The system under test, as it was declared and started."""

    compose: Sequence[str]
    components: Sequence[ComponentRecord]
    links: Sequence[str]
    journeys: Sequence[TermsRecord]


class FaultRecord(TypedDict):
    """A fault, as :meth:`chaoskit.faults.Fault.describe` gives it: its own fields follow these two."""

    kind: str
    stage: str


class ResetRecord(TypedDict):
    """What it took to have a clean environment."""

    seconds: float
    rebuilt: bool
    why: str


class SamplesRecord(TypedDict):
    """The samples of one journey, by column.

    ``outcome`` indexes :attr:`HistoryRecord.outcomes <HistoryRecord>`, ``error`` indexes ``errors``
    (-1 for none). :func:`chaoskit.record.journal.read` gives arrays, with infinity for ``None``.
    """

    intended: Sequence[float]
    started: Sequence[float | None]
    ended: Sequence[float | None]
    outcome: Sequence[int]
    error: Sequence[int]


class MarkRecord(TypedDict):
    """A :class:`chaoskit.record.history.Mark`."""

    name: str
    at: float
    detail: Mapping[str, Any]


class AcknowledgementRecord(TypedDict):
    """A :class:`chaoskit.record.history.Acknowledgement`."""

    journey: str
    kind: str
    id: str
    at: float


class CheckRecord(TypedDict):
    """A :class:`chaoskit.record.history.Check`."""

    kind: str
    id: str
    kept: bool | None
    error: str


class AccessRecord(TypedDict):
    """A :class:`chaoskit.record.history.Access`."""

    journey: str
    user: int
    kind: str
    id: str
    wrote: bool
    version: int | None
    at: float


class HistoryRecord(TypedDict):
    """What happened. ``origin`` is a reading of the machine's monotonic clock; older journals have no
    ``accesses``.
    """

    origin: float
    outcomes: Sequence[str]
    errors: Sequence[str]
    samples: Mapping[str, SamplesRecord]
    marks: Sequence[MarkRecord]
    acknowledgements: Sequence[AcknowledgementRecord]
    checks: Sequence[CheckRecord]
    accesses: NotRequired[Sequence[AccessRecord]]


class FindingRecord(TypedDict):
    """A :class:`chaoskit.judge.Finding`."""

    journey: str
    promise: str
    verdict: VerdictWord
    reason: str
    figures: Mapping[str, Any]
    at: float | None


class RecoveryRecord(TypedDict):
    """How long a journey took to be inside an SLO, with the interval that holds the truth, in seconds."""

    seconds: float | None
    earliest: float
    latest: float | None
    deadline: float
    disturbed: bool
    gap: float


class JourneyJudgementRecord(TypedDict):
    """The verdict on one journey."""

    journey: str
    standing: str
    verdict: VerdictWord
    findings: Sequence[FindingRecord]
    summary: Mapping[str, Any]
    recovery: RecoveryRecord | None
    failover: RecoveryRecord | None


class JudgementRecord(TypedDict):
    """The verdict on an experiment."""

    verdict: VerdictWord
    journeys: Sequence[JourneyJudgementRecord]
    findings: Sequence[FindingRecord]
    blast_radius: Sequence[str]


class ComponentLogRecord(TypedDict):
    """Lines of one component as (seconds, text), and how many were left out."""

    lines: Sequence[tuple[float, str]]
    left_out: int


class LogsRecord(TypedDict):
    """What the components logged near the moments that matter.

    ``wall_at_origin`` is the engine's clock at the origin, in seconds since 1970. ``missing`` says of a
    component why its log could not be read.
    """

    wall_at_origin: float | None
    components: Mapping[str, ComponentLogRecord]
    missing: Mapping[str, str]


class JournalHead(TypedDict):
    """A journal without its history, which is all of it that is large. Older journals have no ``logs``."""

    version: Literal[2]
    experiment: ExperimentRecord
    run: RunRecord
    system: SystemRecord
    faults: Sequence[FaultRecord]
    impact: ImpactRecord
    timing: Mapping[str, float]
    settings: Mapping[str, Any]
    reset: ResetRecord | None
    judgement: JudgementRecord
    logs: NotRequired[LogsRecord]


class Journal(JournalHead):
    """The record of one experiment: everything that its verdict was decided from."""

    history: HistoryRecord
