"""The trend of a history: the verdicts of each experiment over the nights, and what got worse last night.

A night is one test session with its experiments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chaoskit.errors import UsageError
from chaoskit.judge import Verdict
from chaoskit.trend.entry import Entry
from chaoskit.trend.flakiness import NightlyCourse, course_of
from chaoskit.trend.measures import FEWEST_EARLIER_NIGHTS, Comparison, compare


@dataclass(frozen=True, slots=True)
class Night:
    """One test session.

    Attributes:
        run: the name of the session.
        at: when its first experiment ended: ISO 8601, UTC.
        commit: the revision that it tested, if known.
        entries: experiment → its entry; the last entry, if the experiment ran more than once.
    """

    run: str
    at: str
    commit: str | None
    entries: Mapping[str, Entry]


def nights_of(entries: Iterable[Entry], last: int | None = None) -> list[Night]:
    """The nights of a history, the oldest first; with ``last``, only so many of the newest."""
    runs: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda each: each.at):
        runs.setdefault(entry.run, []).append(entry)
    found = [
        Night(run, each[0].at, each[-1].commit, {entry.experiment: entry for entry in each})
        for run, each in runs.items()
    ]
    return found if last is None else found[-last:]


@dataclass(frozen=True, slots=True)
class TrendLine:
    """One experiment over the nights.

    Attributes:
        experiment, fault, stage: as on its last night.
        verdicts: one for each night; ``None`` if it did not run.
        course: the course of the verdicts.
        nights: on how many nights it ran.
        not_held: on how many of those nights it did not hold.
    """

    experiment: str
    fault: str
    stage: str | None
    verdicts: tuple[Verdict | None, ...]
    course: NightlyCourse
    nights: int
    not_held: int


@dataclass(frozen=True, slots=True)
class Regression:
    """Something that got worse.

    Attributes:
        experiment: the experiment.
        journey: the journey; empty if the whole experiment got worse.
        what: ``verdict``, or the ``what`` of a :class:`Comparison`.
        evidence: the evidence in words, with the figures.
        chance: the p-value if the last night is like the nights before; ``None`` for a verdict, which
            has its own test.
        adjusted: the p-value after adjusting for all comparisons of the night.
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
        nights: the nights that it covers, the oldest first.
        lines: one for each experiment that ran on any of these nights.
        comparisons: the figures of the last night against those of the earlier nights.
        regressions: what got worse.
    """

    nights: tuple[Night, ...]
    lines: tuple[TrendLine, ...]
    comparisons: tuple[Comparison, ...]
    regressions: tuple[Regression, ...]


def trend_of(entries: Iterable[Entry], last: int = 30) -> Trend:
    """The trend over the ``last`` nights.

    Raises:
        UsageError: the history is empty.
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


def _line(name: str, nights: Sequence[Night]) -> TrendLine:
    seen = [night.entries.get(name) for night in nights]
    ran = [each for each in seen if each is not None]
    verdicts = [(each.verdict, each.commit) for each in ran]
    return TrendLine(
        name,
        ran[-1].fault,
        ran[-1].stage,
        tuple(None if each is None else each.verdict for each in seen),
        course_of(verdicts),
        len(ran),
        sum(each.verdict is not Verdict.HELD for each in ran),
    )


def _newly_broken(line: TrendLine, last: Night) -> Regression | None:
    """BROKEN last night, and held on each night before. The judge has excluded chance already."""
    if line.verdicts[-1] is not Verdict.BROKEN or line.course is not NightlyCourse.FIRST_TIME:
        return None
    if line.nights <= FEWEST_EARLIER_NIGHTS:
        return None
    reason = last.entries[line.experiment].reason
    evidence = f"BROKEN after it held on all {line.nights - 1} earlier nights: {reason}"
    return Regression(line.experiment, "", "verdict", evidence)
