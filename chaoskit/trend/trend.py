"""Nights: the experiments of one test session, and how an experiment's verdicts went over them.

The trend of a history: verdicts over the nights, and what got worse last night.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from chaoskit.errors import UsageError
from chaoskit.judge import Verdict
from chaoskit.trend.entry import Entry
from chaoskit.trend.measures import NIGHTS, Comparison, compare


@dataclass(frozen=True, slots=True)
class Night:
    """One test session.

    Attributes:
        run: its name.
        at: when its first experiment ended: ISO 8601, UTC.
        commit: the revision that it tried, if that was known.
        entries: experiment → what became of it; the last, where it ran more than once.
    """

    run: str
    at: str
    commit: str | None
    entries: Mapping[str, Entry]


def nights_of(entries: Iterable[Entry], last: int | None = None) -> list[Night]:
    """The nights of a history, the oldest first; only the ``last`` of them, if that is given."""
    runs: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda each: each.at):
        runs.setdefault(entry.run, []).append(entry)
    found = [
        Night(run, each[0].at, each[-1].commit, {entry.experiment: entry for entry in each})
        for run, each in runs.items()
    ]
    return found if last is None else found[-last:]


class NightlyCourse(StrEnum):
    """How an experiment's verdicts went."""

    HELD = "held"
    """On every night."""
    NEVER_HELD = "never held"
    """On none."""
    FLAKY = "flaky"
    """Held and not held on the same revision, or the verdict changed more than once."""
    FIRST_TIME = "not held for the first time"
    """Held until the night before the last: one night cannot tell a flaw from a flake."""
    SINCE = "not held any more"
    """Changed once, at least two nights ago, and stayed so."""
    MENDED = "held again"
    """Changed once, from not held to held."""


def course_of(verdicts: Sequence[tuple[Verdict, str | None]]) -> NightlyCourse:
    """What a sequence of (verdict, revision) is, the oldest first.

    A change for the worse or the better that stays is a trend, and no flakiness. What changes and
    changes back, or differs on one and the same revision, is flaky. (A flaky test passes and fails
    on the same code: J. Micco, "Flaky tests at Google and how we mitigate them", Google Testing
    Blog, 2016. Most histories have each revision once; there, the changes have to tell.)
    """
    held = [verdict is Verdict.HELD for verdict, _ in verdicts]
    if all(held):
        return NightlyCourse.HELD
    if not any(held):
        return NightlyCourse.NEVER_HELD
    same: dict[str, set[bool]] = {}
    for good, (_, revision) in zip(held, verdicts, strict=True):
        if revision:
            same.setdefault(revision, set()).add(good)
    changes = sum(one is not other for one, other in pairwise(held))
    if changes > 1 or any(len(seen) > 1 for seen in same.values()):
        return NightlyCourse.FLAKY
    if held[-1]:
        return NightlyCourse.MENDED
    return NightlyCourse.FIRST_TIME if held[-2] else NightlyCourse.SINCE


@dataclass(frozen=True, slots=True)
class TrendLine:
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
    course: NightlyCourse
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
    lines: tuple[TrendLine, ...]
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
    """BROKEN last night, and held on each night before: the judge has excluded chance already."""
    if line.verdicts[-1] is not Verdict.BROKEN or line.course is not NightlyCourse.FIRST_TIME:
        return None
    if line.nights <= NIGHTS:
        return None
    evidence = f"BROKEN, held on all {line.nights - 1} nights before: {last.entries[line.experiment].reason}"
    return Regression(line.experiment, "", "verdict", evidence)
