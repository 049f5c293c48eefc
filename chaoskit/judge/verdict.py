"""The parts of a judgement: kinds of promises, verdicts, findings with figures, and their JSON form."""

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
        "Before anything is injected, the journey keeps its full SLO. If it does not, the run cannot show "
        "what the fault did: UNKNOWN, never BROKEN."
    ),
    "independence": (
        "A journey that neither needs nor uses a component at fault keeps its full SLO from the injection "
        "to the end of the observation: the lift must not hurt it either."
    ),
    "degraded": (
        "A journey that uses a component at fault, or needs one that is only strained, keeps its degraded "
        "SLO (its full SLO, if it declares no degraded one) while the fault is active."
    ),
    "fails over": (
        "The journey reaches its degraded SLO within `within` seconds of the injection. Judged only where "
        "`within` is declared; the time is measured anyway."
    ),
    "fails fast": (
        "A journey that needs a lost component may fail. 95% of its failing requests, and 95% of all its "
        "requests, end within `fails_within`: a late answer is late even if it is good. "
        "Judged only where `fails_within` is declared."
    ),
    "survival": (
        "A journey that declares that it needs a lost component kept its full SLO all the same. Never "
        "BROKEN: it notes that the system does more than the declaration says."
    ),
    "recovery": (
        "The journey is back inside its full SLO within its deadline, counted from the start of the "
        "lift. The interval in which it came back decides: UNKNOWN if the deadline lies within it."
    ),
    "stays recovered": (
        "Once the journey is back inside its SLO, it is not outside again after its deadline."
    ),
    "ledger": (
        "Each acknowledgement that a user got is true after the recovery, exactly once. There is no budget: "
        "one that is lost is BROKEN, one that could not be checked is UNKNOWN."
    ),
    "read your writes": (
        "A read shows a user at least the version that the same user wrote before. Judged where the journey "
        "records what it wrote and read (`user.wrote`, `user.read`)."
    ),
    "monotonic reads": (
        "A read never shows a user an older version than the same user read before. Judged as above."
    ),
    "measurement": (
        "The load generator was on time, and the arrivals are on record. Never BROKEN: what cannot "
        "be measured is UNKNOWN."
    ),
    "experiment": (
        "The fault landed, lasted until it was lifted, and is gone; no instrument failed. Never "
        "BROKEN: without evidence the verdict is UNKNOWN."
    ),
}
"""Promise → what it stands for and how it is judged, in the order of the phases. The obligations of a fault
(such as ``drain``) come from the fault itself: see :attr:`chaoskit.faults.Fault.owes`."""


Figure = float | int | str | None


class Verdict(StrEnum):
    """Whether a promise was kept, as far as is known."""

    HELD = "held"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    """The evidence does not decide it. Never a pass."""


def combined(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several promises together.

    One BROKEN promise makes the whole BROKEN, even beside UNKNOWN ones; otherwise one UNKNOWN promise makes
    the whole UNKNOWN. Without any promise the result is UNKNOWN. (The same rule as Jepsen's
    ``merge-valid``, except for the empty case.)
    """
    seen = set(verdicts)
    if Verdict.BROKEN in seen:
        return Verdict.BROKEN
    return Verdict.HELD if seen == {Verdict.HELD} else Verdict.UNKNOWN


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one promise, with its reason.

    Attributes:
        journey: the journey that made the promise; empty where it concerns the whole experiment.
        promise: ``steady state``, ``independence``, ``degraded``, ``fails over``, ``fails fast``,
            ``survival``, ``recovery``, ``stays recovered``, ``ledger``, ``read your writes``,
            ``monotonic reads``, ``measurement`` or ``experiment``.
        verdict: the verdict on the promise.
        reason: one sentence with the figures.
        figures: the figures by themselves, JSON-able; ``None`` stands for a figure that is not finite.
        at: when the promise first broke, in seconds after the fault landed (``recovery`` and ``stays
            recovered``: after the lift began); ``None`` where there is no such moment.
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
    """How long a journey took to be inside an SLO: its full SLO after the lift, or its degraded SLO after the
    injection (a fail-over).

    Attributes:
        seconds: the estimate, from the lift (or the injection); 0 for a journey that was not outside
            beyond doubt, ``None`` where it was not seen inside again.
        earliest, latest: the interval that holds the truth, with the confidence of the settings;
            ``latest`` is ``None`` where the observation ended too early to tell.
        deadline: seconds that were allowed.
        disturbed: whether the journey was outside beyond doubt.
        gap: seconds from one arrival to the next.
    """

    seconds: float | None
    earliest: float
    latest: float | None
    deadline: float
    disturbed: bool
    gap: float

    @property
    def resolution(self) -> float:
        """Seconds by which the truth may differ from the estimate."""
        if not self.disturbed or self.seconds is None:
            return self.gap
        latest = self.seconds if self.latest is None else self.latest
        return max(self.gap, self.seconds - self.earliest, latest - self.seconds)

    def short(self) -> str:
        """The figure with its interval, for a table."""
        if self.seconds is None:
            return "not seen"
        if not self.disturbed:
            return f"≤ {duration(self.gap)}"
        latest = "?" if self.latest is None else duration(self.latest)
        return f"{duration(self.seconds)} ({duration(self.earliest)} to {latest})"

    def says(self, event: str = "the lift", slo: str = "its SLO") -> str:
        """The recovery as a clause.

        Args:
            event: the event from which the seconds count.
            slo: the SLO that the journey was outside of.
        """
        if self.seconds is None:
            return f"not seen inside {slo} again after {event}"
        if not self.disturbed:
            return f"inside {slo} within one arrival (≤ {duration(self.gap)}) of {event}"
        latest = "an unknown moment" if self.latest is None else duration(self.latest)
        interval = f"between {duration(self.earliest)} and {latest}"
        return f"back inside {slo} {duration(self.seconds)} after {event} ({interval})"


def duration(seconds: float) -> str:
    """A duration for a text: in seconds, or in milliseconds below one second."""
    if seconds < 0.9995:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class JourneyJudgement:
    """The verdict on one journey.

    Attributes:
        journey: the journey's name.
        standing: what the fault allowed the journey.
        verdict: the verdict on all of its promises.
        findings: one for each promise that was judged, in the order of the phases.
        summary: the figures of the phases ``control``, ``fault`` and ``after``.
        recovery: how long the recovery took; ``None`` where it was not judged.
        failover: how long the journey took to reach its degraded SLO; ``None`` where it owed none.
    """

    journey: str
    standing: Standing
    verdict: Verdict
    findings: tuple[Finding, ...]
    summary: Mapping[str, Summary]
    recovery: Recovery | None = None
    failover: Recovery | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on an experiment.

    Attributes:
        verdict: the verdict on the whole experiment.
        journeys: the journeys, in the order of the declaration.
        findings: those on the whole experiment: the fault never landed, an instrument failed, and so on.
        blast_radius: the journeys that the fault reached, whether they were allowed to suffer or not.
    """

    verdict: Verdict
    journeys: tuple[JourneyJudgement, ...]
    findings: tuple[Finding, ...] = ()
    blast_radius: tuple[str, ...] = ()

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The findings on the whole experiment first, then journey by journey."""
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
        """Read what :meth:`to_record` wrote, after any number of trips through JSON."""
        return cls(
            verdict=Verdict(record["verdict"]),
            journeys=tuple(_journey(each) for each in record["journeys"]),
            findings=tuple(_finding(each) for each in record["findings"]),
            blast_radius=tuple(record["blast_radius"]),
        )


def finite(value: Figure) -> Figure:
    """The figure, or ``None`` for one that JSON cannot write: infinity or not-a-number."""
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
    recovery, failover = record["recovery"], record["failover"]
    return JourneyJudgement(
        journey=record["journey"],
        standing=Standing(record["standing"]),
        verdict=Verdict(record["verdict"]),
        findings=tuple(_finding(each) for each in record["findings"]),
        summary={phase: Summary(**figures) for phase, figures in record["summary"].items()},
        recovery=None if recovery is None else Recovery(**recovery),
        failover=None if failover is None else Recovery(**failover),
    )
