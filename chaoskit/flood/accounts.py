"""What a source counts, second by second and in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import Any

from chaoskit.flood import Report

RESOLUTION_PER_S = 10_000
"""Latencies are counted in steps of 0.1 ms: little memory however long a flood lasts."""

COUNTED = (
    "sent",
    "closed",
    "reset",
    "unreadable",
    "given_up",
    "failed_to_connect",
    "held_back",
    "late",
)


class Accounts:
    """Counts of a stretch of time; see :class:`chaoskit.flood.Report` for what each one means."""

    __slots__ = ("answered", "latencies", *COUNTED)

    sent: int
    closed: int
    reset: int
    unreadable: int
    given_up: int
    failed_to_connect: int
    held_back: int
    late: int

    def __init__(self) -> None:
        for name in COUNTED:
            setattr(self, name, 0)
        self.answered: Counter[int] = Counter()
        self.latencies: Counter[int] = Counter()

    def answer(self, status: int, seconds: float) -> None:
        """An answer came, so long after its request was sent."""
        self.answered[status] += 1
        self.latencies[ceil(seconds * RESOLUTION_PER_S)] += 1

    def take(self, other: Accounts) -> None:
        """Add another's counts, and set them to nothing there."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
            setattr(other, name, 0)
        for mine, theirs in ((self.answered, other.answered), (self.latencies, other.latencies)):
            mine.update(theirs)
            theirs.clear()

    def report(self, **now: Any) -> Report:
        """What was counted, with what is known of this moment."""
        counted: dict[str, Any] = {name: getattr(self, name) for name in COUNTED}
        answered = dict(sorted(self.answered.items()))
        return Report(answered=answered, latency=quantiles(self.latencies), **counted, **now)


def quantiles(latencies: Mapping[int, int]) -> dict[str, float]:
    """The smallest counted latency that at least the share has, in seconds; empty if none was counted.

    Args:
        latencies: latency in steps of 0.1 ms → how often.
    """
    total = sum(latencies.values())
    wanted = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)]
    found: dict[str, float] = {}
    seen = 0
    for step in sorted(latencies):
        seen += latencies[step]
        while wanted and seen >= wanted[0][1] * total:
            found[wanted.pop(0)[0]] = step / RESOLUTION_PER_S
    return found
