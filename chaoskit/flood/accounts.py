"""What a source counts: for each second, and in total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import Any

from chaoskit.flood import Report

LATENCY_STEPS_PER_S = 10_000
"""Latencies are counted in steps of 0.1 ms, so that a long flood needs no more memory than a short one."""

COUNTER_NAMES = (
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
    """The counters of one stretch of time; :class:`chaoskit.flood.Report` says what each one means."""

    __slots__ = ("answered", "latencies", *COUNTER_NAMES)

    sent: int
    closed: int
    reset: int
    unreadable: int
    given_up: int
    failed_to_connect: int
    held_back: int
    late: int

    def __init__(self) -> None:
        for name in COUNTER_NAMES:
            setattr(self, name, 0)
        self.answered: Counter[int] = Counter()
        self.latencies: Counter[int] = Counter()

    def answer(self, status: int, seconds: float) -> None:
        """Count an answer that came ``seconds`` after its request was sent."""
        self.answered[status] += 1
        self.latencies[ceil(seconds * LATENCY_STEPS_PER_S)] += 1

    def take(self, other: Accounts) -> None:
        """Add the counts of ``other``, and set them to zero there."""
        for name in COUNTER_NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
            setattr(other, name, 0)
        for mine, theirs in ((self.answered, other.answered), (self.latencies, other.latencies)):
            mine.update(theirs)
            theirs.clear()

    def report(self, **now: Any) -> Report:
        """The report of what was counted.

        Args:
            now: the fields of the report that are not counters.
        """
        counted: dict[str, Any] = {name: getattr(self, name) for name in COUNTER_NAMES}
        answered = dict(sorted(self.answered.items()))
        return Report(answered=answered, latency=quantiles(self.latencies), **counted, **now)


def quantiles(latencies: Mapping[int, int]) -> dict[str, float]:
    """For each quantile the smallest latency, in seconds, that at least its share of answers does not exceed.

    Args:
        latencies: latency in steps of 0.1 ms → how many answers had it.

    Returns:
        ``p50``, ``p95``, ``p99`` and ``max``; empty if no latency was counted.
    """
    total = sum(latencies.values())
    wanted = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)]
    found: dict[str, float] = {}
    seen = 0
    for step in sorted(latencies):
        seen += latencies[step]
        while wanted and seen >= wanted[0][1] * total:
            found[wanted.pop(0)[0]] = step / LATENCY_STEPS_PER_S
    return found
