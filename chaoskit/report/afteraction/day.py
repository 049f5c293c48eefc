"""A game day as plain data, as its record tells it. All times are seconds from the origin of the day."""

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
"""The possible outcomes of a hypothesis; what needs attention comes first."""


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One experiment of the day.

    Attributes:
        number: the number by which events refer to the step.
        name, hypothesis: as people wrote them.
        by: ``runbook`` or ``hand``.
        faults: the faults that were injected.
        injected, landed, lift, gone, recovered: when each happened; ``None`` if it did not.
        evidence: the evidence that the fault landed.
        stopped_by: the name of a stop condition, ``key``, or ``None``.
        verdict: the verdict of the judge; ``None`` if nothing was judged.
        outcome: the outcome of the hypothesis.
        outcome_by: ``judge`` or ``person``: who decided the outcome.
        seen: one sentence with its figures.
        facts: the facts of its journal; ``None`` without a journal.
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
        """How the reports refer to the step: its number and its name."""
        return f"step {self.number}, {self.name}" if self.name else f"step {self.number}"


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """Something that happened, or that a person wrote.

    Attributes:
        at: when.
        kind: as in the record: ``inject``, ``stop``, ``note``, …
        text: what was seen or written.
        step: the number of the step that it belongs to, if any.
    """

    at: float
    kind: str
    text: str
    step: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedCondition:
    """A stop condition: its name, and the condition in words."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordedJourney:
    """One journey in equal intervals of time; the columns are equally long.

    Attributes:
        name: the journey.
        slo, degraded: its full SLO, and the SLO that it keeps without what it uses.
        arrivals, failed: how many requests arrived in each interval, and how many of them failed.
        p50, p95, p99: latencies in seconds of those that succeeded; ``None`` if none did.
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
        width: the length of an interval, in seconds.
        start: when the first interval begins.
        journeys: the journeys that were measured.
    """

    width: float
    start: float
    journeys: tuple[RecordedJourney, ...]

    @property
    def end(self) -> float:
        """When the last interval ends."""
        return self.start + self.width * max((len(each.arrivals) for each in self.journeys), default=0)


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """A game day.

    Attributes:
        folder: the folder of its record.
        title: its title.
        started_at, ended_at: ISO time stamps. A day that crashed has no end.
        compose, project: the compose files and the compose project of the system.
        attached: whether the system ran before the day.
        touch: the components of an attached system that the day was permitted to touch.
        origin: second 0 of the day, in seconds since 1970.
        runbook: the file of the run book.
        seed: the seed of all randomness.
        conditions, steps, events: in the order of the record.
        notes, questions: what people typed.
        series: the measurements of the journeys.
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
        """The last moment in the record."""
        times = (at for each in self.steps for at in (each.injected, each.landed, each.lift, each.gone) if at)
        said = (each.at for each in (*self.events, *self.notes, *self.questions))
        return max(self.series.end, *times, *said, 0.0)
