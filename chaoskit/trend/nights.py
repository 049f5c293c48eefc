"""Nights: the experiments of one test session, and how an experiment's verdicts went over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from chaoskit.judge import Verdict
from chaoskit.trend.entry import Entry


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


class Course(StrEnum):
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


def course_of(verdicts: Sequence[tuple[Verdict, str | None]]) -> Course:
    """What a sequence of (verdict, revision) is, the oldest first.

    A change for the worse or the better that stays is a trend, and no flakiness. What changes and
    changes back, or differs on one and the same revision, is flaky. (A flaky test passes and fails
    on the same code: J. Micco, "Flaky tests at Google and how we mitigate them", Google Testing
    Blog, 2016. Most histories have each revision once; there, the changes have to tell.)
    """
    held = [verdict is Verdict.HELD for verdict, _ in verdicts]
    if all(held):
        return Course.HELD
    if not any(held):
        return Course.NEVER_HELD
    same: dict[str, set[bool]] = {}
    for good, (_, revision) in zip(held, verdicts, strict=True):
        if revision:
            same.setdefault(revision, set()).add(good)
    changes = sum(one is not other for one, other in pairwise(held))
    if changes > 1 or any(len(seen) > 1 for seen in same.values()):
        return Course.FLAKY
    if held[-1]:
        return Course.MENDED
    return Course.FIRST_TIME if held[-2] else Course.SINCE
