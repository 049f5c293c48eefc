"""The course of an experiment's verdicts over the nights: steady, changed once and for good, or flaky."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

from chaoskit.judge import Verdict


class NightlyCourse(StrEnum):
    """The course of the verdicts of an experiment over the nights."""

    HELD = "held"
    """It held on every night."""
    NEVER_HELD = "never held"
    """It held on no night."""
    FLAKY = "flaky"
    """It held and did not hold on the same revision, or the verdict changed more than once."""
    FIRST_TIME = "not held for the first time"
    """It held on every night but the last. One night cannot tell a flaw from a flake."""
    SINCE = "not held any more"
    """Its verdict changed once, from held to not held, and was not held on the last two nights or more."""
    MENDED = "held again"
    """Its verdict changed once, from not held to held."""


def course_of(verdicts: Sequence[tuple[Verdict, str | None]]) -> NightlyCourse:
    """The course of a sequence of (verdict, revision) pairs, oldest first.

    A lasting change for the worse or the better is a trend, not flakiness. An experiment is flaky if its
    verdict changes and changes back, or differs on one revision. (A flaky test passes and fails on the
    same code: J. Micco, "Flaky tests at Google and how we mitigate them", Google Testing Blog, 2016.) Most
    histories have each revision only once; then only the changes show flakiness.
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
