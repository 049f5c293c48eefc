"""The journeys' figures second by second, for the record and for the screen.

A history that lasts all day, and histories of a part of it for those who judge that part.
"""

from __future__ import annotations

import math
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from chaoskit.judge.summary import quantile
from chaoskit.record.history import Access, Acknowledgement, Check, History, Mark, Sample
from chaoskit.record.samples import NEVER, OUTCOMES, Column, Outcome
from chaoskit.system import Terms

STEP = 1.0
"""Seconds of one entry."""

_OK = OUTCOMES.index(Outcome.OK)


@dataclass(slots=True)
class JourneySeconds:
    """One journey, one entry a second.

    Attributes:
        arrivals: requests that were due in it, as far as they have ended.
        failed: those of them that failed.
        p50, p95, p99: latencies in seconds of those that succeeded; ``None`` where none did.
    """

    arrivals: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    p50: list[float | None] = field(default_factory=list)
    p95: list[float | None] = field(default_factory=list)
    p99: list[float | None] = field(default_factory=list)

    def cut(self, length: int) -> None:
        """Forget what comes after so many entries."""
        for column in (self.arrivals, self.failed, self.p50, self.p95, self.p99):
            del column[length:]


class DaySeries:
    """Lines that are brought up to date now and then; what cannot change any more is kept.

    Args:
        terms: the journeys.
        origin: second 0 on the history's clock.
    """

    def __init__(self, terms: tuple[Terms, ...], origin: float) -> None:
        self._terms, self._origin = terms, origin
        self._longest = max((each.timeout for each in terms), default=0.0) + 1.0
        self._final = 0
        self.lines = {each.name: JourneySeconds() for each in terms}

    def update(self, history: History, now: float) -> None:
        """Count what has come in; the entry of the second that is under way comes with the next."""
        last = int((now - self._origin) / STEP)
        columns = history.columns(self._origin + self._final * STEP)
        for name, line in self.lines.items():
            line.cut(self._final)
            self._count(line, columns.get(name) or Column(name), last)
        self._final = max(self._final, int((now - self._longest - self._origin) / STEP))

    def _count(self, line: JourneySeconds, column: Column, last: int) -> None:
        good: list[list[float]] = [[] for _ in range(self._final, last)]
        arrivals, failed = [0] * len(good), [0] * len(good)
        for row, intended in enumerate(column.intended):
            second = int((intended - self._origin) / STEP) - self._final
            if not 0 <= second < len(good):
                continue
            arrivals[second] += 1
            latency = column.ended[row] - intended
            if column.outcome[row] != _OK:
                failed[second] += 1
            elif latency < NEVER:
                good[second].append(latency)
        line.arrivals += arrivals
        line.failed += failed
        for latencies in good:
            latencies.sort()
            for share, into in ((0.5, line.p50), (0.95, line.p95), (0.99, line.p99)):
                found = quantile(latencies, share)
                into.append(None if found is None else round(found, 6))

    def to_record(self) -> dict[str, Any]:
        """JSON-able data, as ``gameday.schema.json`` describes it."""
        return {
            "step_seconds": STEP,
            "from": 0.0,
            "journeys": {
                each.name: {
                    "slo": asdict(each.slo),
                    "degraded": None if each.degraded is None else asdict(each.degraded),
                    **asdict(self.lines[each.name]),
                }
                for each in self._terms
            },
        }


Entry = Sample | Mark | Acknowledgement | Check | Access


class Excerpt(History):
    """What happened since a moment, as far as :attr:`until`.

    Attributes:
        since: requests that were due earlier are left out, and so is what was seen earlier.
        until: those that were due at this moment or later, too.
    """

    def __init__(self, since: float) -> None:
        super().__init__()
        self.since = since
        self.until = math.inf

    def take(self, *entries: Entry) -> None:
        """Append those entries that belong to it."""
        self.add(*(each for each in entries if self._mine(each)))

    def _mine(self, entry: Entry) -> bool:
        if isinstance(entry, Sample):
            return self.since <= entry.intended < self.until
        if isinstance(entry, Check):
            return True
        return self.since <= entry.at < self.until


class DayHistory(History):
    """A history others can follow."""

    def __init__(self) -> None:
        super().__init__()
        self._gate = threading.Lock()
        self._followers: list[Excerpt] = []

    def add(self, *entries: Entry) -> None:
        """Append entries, and hand them on to every excerpt that is open."""
        with self._gate:
            super().add(*entries)
            for each in self._followers:
                each.take(*entries)

    def follow(self, since: float) -> Excerpt:
        """An excerpt from ``since`` on, that grows with this history until :meth:`leave`."""
        found = Excerpt(since)
        with self._gate:
            for column in self.columns(since).values():
                found.take(*column)
            found.take(*self.acknowledgements, *self.accesses)
            self._followers.append(found)
        return found

    def leave(self, excerpt: Excerpt) -> None:
        """The excerpt grows no more."""
        with self._gate:
            if excerpt in self._followers:
                self._followers.remove(excerpt)
