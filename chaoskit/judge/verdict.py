"""The kinds of promises that are judged, as people read about them.

What a judgement consists of: verdicts, findings with their figures, and their JSON form.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, cast

from chaoskit.judge.standing import Standing
from chaoskit.judge.summary import Summary
from chaoskit.record.journal_types import FindingRecord, JourneyJudgementRecord, JudgementRecord

KINDS: Mapping[str, str] = {
    "steady state": (
        "Before anything is injected the journey keeps its full SLO. If it does not, nothing can "
        "be said of a fault: UNKNOWN, never BROKEN."
    ),
    "independence": (
        "A journey that neither needs nor uses what is at fault keeps its full SLO while the fault is active."
    ),
    "degraded": (
        "A journey that uses what is at fault, or needs what is only strained, keeps its degraded "
        "SLO (the full one, if none is declared) while the fault is active."
    ),
    "fails fast": (
        "A journey that needs what is lost may fail, and does so within `fails_within` for 95% of "
        "the requests that fail. Judged only where that is declared."
    ),
    "survival": (
        "A journey that says that it needs what is lost kept its full SLO all the same. Never "
        "BROKEN: a note that the declaration says less than the system does."
    ),
    "recovery": (
        "The journey is back inside its full SLO within its deadline, counted from the begin of "
        "the lifting, for a whole stability window."
    ),
    "stays recovered": ("Once back inside its SLO it is not outside again after its deadline."),
    "ledger": (
        "What was acknowledged to a user is true after the recovery, once. There is no budget: "
        "one that is lost is BROKEN, one that could not be checked is UNKNOWN."
    ),
    "read your writes": (
        "A user who reads sees what the same user wrote before, or newer. Judged where the journey says "
        "what it wrote and read (`user.wrote`, `user.read`)."
    ),
    "monotonic reads": (
        "A user who reads sees nothing older than what the same user read before. Judged as above."
    ),
    "measurement": (
        "The load engine was on time, and the arrivals are on record. Never BROKEN: what cannot "
        "be measured is UNKNOWN."
    ),
    "experiment": (
        "The fault landed, lasted until it was lifted, and is gone; no instrument failed. Never "
        "BROKEN: without evidence the verdict is UNKNOWN."
    ),
}
"""Promise → what it stands for and how it is judged; in the order of the phases. What the
system owes under a fault itself (``drain``) is told by the fault: see :attr:`chaoskit.faults.Fault.owes`."""


Figure = float | int | str | None


class Verdict(StrEnum):
    """What is known of a promise."""

    HELD = "held"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    """Cannot be told. Never a pass."""


def combined(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several promises together.

    One broken promise breaks the whole, whatever else could not be found out; otherwise one unknown
    makes the whole unknown. Where nothing was judged nothing is known. (As Jepsen's ``merge-valid``
    has it, but for the empty case.)
    """
    seen = set(verdicts)
    if Verdict.BROKEN in seen:
        return Verdict.BROKEN
    return Verdict.HELD if seen == {Verdict.HELD} else Verdict.UNKNOWN


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one promise.

    Attributes:
        journey: whose promise it is; empty where it concerns the whole experiment.
        promise: ``steady state``, ``independence``, ``degraded``, ``fails fast``, ``survival``,
            ``recovery``, ``stays recovered``, ``ledger``, ``read your writes``, ``monotonic reads``,
            ``measurement`` or ``experiment``.
        verdict: what is known of it.
        reason: one sentence with the figures.
        figures: the figures by themselves, JSON-able; those that are not finite are ``None``.
        at: when it first broke, in seconds after the fault landed (``recovery`` and ``stays
            recovered``: after lifting began); ``None`` where there is no such moment.
    """

    journey: str
    promise: str
    verdict: Verdict
    reason: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    at: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", {name: finite(value) for name, value in self.figures.items()})
        object.__setattr__(self, "at", finite(self.at))


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long a journey took to be back inside its SLO.

    Attributes:
        seconds: from the begin of lifting to the first request from which on the SLO held; 0 for
            a journey that never left it, ``None`` where it was not seen to recover.
        resolution: seconds by which the true moment may lie earlier: the gap between the last
            request outside the SLO and the first one inside.
        deadline: seconds that were allowed.
    """

    seconds: float | None
    resolution: float
    deadline: float


@dataclass(frozen=True, slots=True)
class JourneyJudgement:
    """The verdict on one journey.

    Attributes:
        journey: its name.
        standing: what the fault allowed it.
        verdict: on all of its promises.
        findings: one for each promise that was judged, in the order of the phases.
        summary: the figures of the phases ``control``, ``fault`` and ``after``.
        recovery: how long it took; ``None`` where that was not judged.
    """

    journey: str
    standing: Standing
    verdict: Verdict
    findings: tuple[Finding, ...]
    summary: Mapping[str, Summary]
    recovery: Recovery | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on an experiment.

    Attributes:
        verdict: on everything.
        journeys: the journeys, in the order of the declaration.
        findings: what concerns the whole experiment: the fault never landed, an instrument failed.
        blast_radius: the journeys that the fault reached, whether they were allowed to suffer or not.
    """

    verdict: Verdict
    journeys: tuple[JourneyJudgement, ...]
    findings: tuple[Finding, ...] = ()
    blast_radius: tuple[str, ...] = ()

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """What concerns the whole experiment first, then journey by journey."""
        return (*self.findings, *(each for one in self.journeys for each in one.findings))

    def to_record(self) -> JudgementRecord:
        """JSON-able data; :meth:`from_record` is the inverse."""
        record: dict[str, Any] = asdict(self)
        record["blast_radius"] = list(self.blast_radius)
        record["verdict"] = self.verdict.value
        record["findings"] = [_plain(each) for each in record["findings"]]
        record["journeys"] = [
            {
                **_plain(each),
                "standing": each["standing"].value,
                "findings": [_plain(finding) for finding in each["findings"]],
            }
            for each in record["journeys"]
        ]
        return cast(JudgementRecord, record)

    @classmethod
    def from_record(cls, record: JudgementRecord) -> Judgement:
        """What :meth:`to_record` has written, after any number of trips through JSON."""
        return cls(
            verdict=Verdict(record["verdict"]),
            journeys=tuple(_journey(each) for each in record["journeys"]),
            findings=tuple(_finding(each) for each in record["findings"]),
            blast_radius=tuple(record["blast_radius"]),
        )


def finite(value: Figure) -> Figure:
    """JSON knows neither infinity nor not-a-number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "verdict": record["verdict"].value}


def _finding(record: FindingRecord) -> Finding:
    return Finding(
        record["journey"],
        record["promise"],
        Verdict(record["verdict"]),
        record["reason"],
        record["figures"],
        record["at"],
    )


def _journey(record: JourneyJudgementRecord) -> JourneyJudgement:
    recovery = record["recovery"]
    return JourneyJudgement(
        journey=record["journey"],
        standing=Standing(record["standing"]),
        verdict=Verdict(record["verdict"]),
        findings=tuple(_finding(each) for each in record["findings"]),
        summary={phase: Summary(**figures) for phase, figures in record["summary"].items()},
        recovery=None if recovery is None else Recovery(**recovery),
    )
