"""The moments that matter in an experiment: its marks, and where promises broke and journeys came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaoskit.judge.phases import Phases
from chaoskit.judge.verdict import Finding, JourneyJudgement, Judgement, Verdict
from chaoskit.record.history import Mark

DECISIVE = frozenset(
    {"unsteady", "inject", "landed", "lapsed", "broke", "lift", "gone", "recovered", "harness failure"}
)
"""The moments around which a reader looks for a cause."""

_SINCE_LIFT = frozenset({"recovery", "stays recovered"})
"""Promises whose ``at`` counts from the start of the lift; all others count from the landing."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of an experiment's time line.

    Attributes:
        name: the mark's name, ``broke`` or ``recovered``.
        at: seconds, on the clock of the marks.
        says: what was observed then, in one sentence; may be empty.
        journey: the journey that the moment belongs to; empty for the whole experiment.
    """

    name: str
    at: float
    says: str = ""
    journey: str = ""


def moments(marks: Sequence[Mark], times: Phases, judgement: Judgement) -> tuple[Moment, ...]:
    """All moments, in the order of time.

    Args:
        marks: the marks of the history.
        times: the phases between these marks.
        judgement: the judgement on the experiment.
    """
    found = [Moment(mark.name, mark.at, _says(mark)) for mark in marks]
    for each in judgement.journeys:
        found += _of_journey(each, times)
    return tuple(sorted(found, key=lambda moment: moment.at))


def _says(mark: Mark) -> str:
    """What a mark says beside its name: its sentence, or its figures if it has none."""
    if mark.name == "journey-error":
        return "\n".join(f"{key}: {value}" for key, value in mark.detail.items())
    told = [mark.detail[key] for key in ("fault", "promise", "why", "says") if mark.detail.get(key)]
    if told:
        return ": ".join(map(str, told))
    return ", ".join(
        f"{key} {value}" for key, value in mark.detail.items() if isinstance(value, (str, float))
    )


def _of_journey(judged: JourneyJudgement, times: Phases) -> list[Moment]:
    found = []
    for finding in judged.findings:
        since = times.calm if finding.promise in _SINCE_LIFT else times.landed
        if _broke(finding) and since is not None and finding.at is not None:
            says = f"{finding.promise}: {finding.reason}"
            found.append(Moment("broke", since + finding.at, says, judged.journey))
    recovery = judged.recovery
    # A journey that never left its SLO has nothing to come back from.
    if times.calm is not None and recovery is not None and recovery.seconds:
        says = f"{recovery.says()}, {recovery.deadline:g} s allowed"
        found.append(Moment("recovered", times.calm + recovery.seconds, says, judged.journey))
    return found


def _broke(finding: Finding) -> bool:
    return finding.verdict is Verdict.BROKEN
