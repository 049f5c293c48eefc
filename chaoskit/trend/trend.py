"""The trend of a history: verdicts over the nights, and what got worse last night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaoskit.errors import UsageError
from chaoskit.judge import Verdict
from chaoskit.trend.comparison import NIGHTS, Comparison, compare
from chaoskit.trend.entry import Entry
from chaoskit.trend.nights import Course, Night, course_of, nights_of


@dataclass(frozen=True, slots=True)
class Line:
    """One experiment over the nights.

    Attributes:
        experiment, fault, stage: as of its last night.
        verdicts: one for each night; ``None`` where it did not run.
        course: how they went.
        nights: on how many it ran.
        not_held: on how many of them it did not hold.
    """

    experiment: str
    fault: str
    stage: str | None
    verdicts: tuple[Verdict | None, ...]
    course: Course
    nights: int
    not_held: int


@dataclass(frozen=True, slots=True)
class Regression:
    """What is worse than before.

    Attributes:
        experiment: whose.
        journey: whose promise or figure; empty where it concerns the whole experiment.
        what: ``verdict``, or what a :class:`Comparison` compares.
        evidence: in words, with the figures.
        chance: how likely that is if the last night is like those before; ``None`` for a verdict,
            which has its own test.
        adjusted: the same for all comparisons of the night together.
    """

    experiment: str
    journey: str
    what: str
    evidence: str
    chance: float | None = None
    adjusted: float | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """What a history shows.

    Attributes:
        nights: the nights that were looked at, the oldest first.
        lines: one for each experiment that ran on any of them.
        comparisons: the figures of the last night against those before.
        regressions: what is flagged.
    """

    nights: tuple[Night, ...]
    lines: tuple[Line, ...]
    comparisons: tuple[Comparison, ...]
    regressions: tuple[Regression, ...]


def trend_of(entries: Iterable[Entry], last: int = 30) -> Trend:
    """The trend over the ``last`` nights.

    Raises:
        UsageError: there is no night.
    """
    nights = nights_of(entries, last)
    if not nights:
        raise UsageError("the history is empty", remedy="run the experiments with --chaos-history")
    names = list(dict.fromkeys(name for night in nights for name in night.entries))
    lines = tuple(_line(name, nights) for name in sorted(names))
    before = [entry for night in nights[:-1] for entry in night.entries.values()]
    comparisons = compare(list(nights[-1].entries.values()), before)
    worse = [
        Regression(each.experiment, each.journey, each.what, each.says, each.chance, each.adjusted)
        for each in comparisons
        if each.regressed
    ]
    broken = [found for line in lines if (found := _newly_broken(line, nights[-1]))]
    return Trend(tuple(nights), lines, tuple(comparisons), (*broken, *worse))


def _line(name: str, nights: Sequence[Night]) -> Line:
    seen = [night.entries.get(name) for night in nights]
    ran = [each for each in seen if each is not None]
    verdicts = [(each.verdict, each.commit) for each in ran]
    return Line(
        name,
        ran[-1].fault,
        ran[-1].stage,
        tuple(None if each is None else each.verdict for each in seen),
        course_of(verdicts),
        len(ran),
        sum(each.verdict is not Verdict.HELD for each in ran),
    )


def _newly_broken(line: Line, last: Night) -> Regression | None:
    """BROKEN last night, and held on each night before: the judge has excluded chance already."""
    if line.verdicts[-1] is not Verdict.BROKEN or line.course is not Course.FIRST_TIME:
        return None
    if line.nights <= NIGHTS:
        return None
    evidence = f"BROKEN, held on all {line.nights - 1} nights before: {last.entries[line.experiment].reason}"
    return Regression(line.experiment, "", "verdict", evidence)
