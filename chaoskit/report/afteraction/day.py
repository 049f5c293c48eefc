"""A game day as its record tells it: plain data. All times are seconds from the day's origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chaoskit.judge import Verdict
from chaoskit.report.page.facts import Facts
from chaoskit.system import Slo

Outcome = Literal["refuted", "open", "confirmed"]
OUTCOMES: tuple[Outcome, ...] = ("refuted", "open", "confirmed")
"""What can become of a hypothesis; what needs somebody comes first."""


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One experiment of the day.

    Attributes:
        number: what events call it by.
        name, hypothesis: as people wrote them.
        by: ``runbook``, or ``hand``.
        faults: what was injected.
        injected, landed, lift, gone, recovered: when; ``None`` where it did not come to that.
        evidence: what was seen of the landing.
        stopped_by: the name of a stop condition, ``key``, or ``None``.
        verdict: the judge's; ``None`` where nothing was judged.
        outcome: what became of the hypothesis.
        outcome_by: ``judge``, or ``person``.
        seen: one sentence with its figures.
        facts: its journal; ``None`` where there is none.
    """

    number: int
    name: str
    by: str
    hypothesis: str
    faults: tuple[str, ...]
    injected: float | None
    landed: float | None
    evidence: str
    lift: float | None
    gone: float | None
    recovered: float | None
    stopped_by: str | None
    verdict: Verdict | None
    outcome: Outcome
    outcome_by: str
    seen: str
    facts: Facts | None

    @property
    def title(self) -> str:
        """How it is called where several are spoken of."""
        return f"step {self.number}, {self.name}" if self.name else f"step {self.number}"


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """Something that happened, or was said.

    Attributes:
        at: when.
        kind: as in the record: ``inject``, ``stop``, ``note``, …
        text: what was seen or written.
        step: the number of its step.
    """

    at: float
    kind: str
    text: str
    step: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedCondition:
    """A stop condition: its name, and what it says."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordedJourney:
    """One journey in equal stretches of time; the columns are equally long.

    Attributes:
        name: the journey.
        slo, degraded: what it promises; without what it uses.
        arrivals, failed: requests in each stretch, and how many of them failed.
        p50, p95, p99: latencies in seconds of those that succeeded; ``None`` where none did.
    """

    name: str
    slo: Slo
    degraded: Slo | None
    arrivals: tuple[int, ...]
    failed: tuple[int, ...]
    p50: tuple[float | None, ...]
    p95: tuple[float | None, ...]
    p99: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class RecordedSeries:
    """The journeys over the whole day.

    Attributes:
        width: seconds of a stretch.
        start: when the first one begins.
        journeys: those of which there is a stretch.
    """

    width: float
    start: float
    journeys: tuple[RecordedJourney, ...]

    @property
    def end(self) -> float:
        """When the last stretch ends."""
        return self.start + self.width * max((len(each.arrivals) for each in self.journeys), default=0)


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """A game day.

    Attributes:
        folder: where its record is.
        title: what it is called.
        started_at, ended_at: ISO time stamps; it has no end where it crashed.
        compose, project, attached, touch: which system; whether it ran before the day; and what of it
            might be touched then.
        origin: seconds since 1970 of second 0.
        runbook: its file.
        seed: of all randomness.
        conditions, steps, events: in their order.
        notes, questions: what people typed.
        series: what the journeys measured.
    """

    folder: Path
    title: str
    started_at: str
    ended_at: str | None
    compose: tuple[str, ...]
    project: str | None
    attached: bool
    touch: tuple[str, ...]
    origin: float
    runbook: str | None
    seed: int
    conditions: Sequence[RecordedCondition]
    steps: Sequence[RecordedStep]
    events: Sequence[RecordedEvent]
    notes: Sequence[RecordedEvent]
    questions: Sequence[RecordedEvent]
    series: RecordedSeries

    @property
    def end(self) -> float:
        """The last moment that the record tells of."""
        times = (at for each in self.steps for at in (each.injected, each.landed, each.lift, each.gone) if at)
        said = (each.at for each in (*self.events, *self.notes, *self.questions))
        return max(self.series.end, *times, *said, 0.0)
