"""The history of a whole day, the excerpts of it that steps are judged by, and its figures by seconds."""

from __future__ import annotations

import math
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from chaoskit.judge.summary import quantile
from chaoskit.record.history import Access, Acknowledgement, Check, History, Mark, Sample
from chaoskit.record.samples import NEVER, OUTCOMES, Column, Outcome
from chaoskit.system import Terms

ENTRY_SECONDS = 1.0
"""Seconds that one entry of the figures covers."""

_OK = OUTCOMES.index(Outcome.OK)


@dataclass(slots=True)
class JourneySeconds:
    """The figures of one journey, one entry per second.

    Attributes:
        arrivals: how many requests were due in that second and have ended.
        failed: how many of them failed.
        p50, p95, p99: latencies in seconds of those that succeeded; ``None`` if none did.
    """

    arrivals: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    p50: list[float | None] = field(default_factory=list)
    p95: list[float | None] = field(default_factory=list)
    p99: list[float | None] = field(default_factory=list)

    def cut(self, length: int) -> None:
        """Drop all entries after the first ``length``."""
        for column in (self.arrivals, self.failed, self.p50, self.p95, self.p99):
            del column[length:]


class DaySeries:
    """The figures of all journeys. An update recounts only the entries that can still change.

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
        """Count the new samples. The second that is under way gets its entry with the next update."""
        last = int((now - self._origin) / ENTRY_SECONDS)
        columns = history.columns(self._origin + self._final * ENTRY_SECONDS)
        for name, line in self.lines.items():
            line.cut(self._final)
            self._count(line, columns.get(name) or Column(name), last)
        self._final = max(self._final, int((now - self._longest - self._origin) / ENTRY_SECONDS))

    def _count(self, line: JourneySeconds, column: Column, last: int) -> None:
        good: list[list[float]] = [[] for _ in range(self._final, last)]
        arrivals, failed = [0] * len(good), [0] * len(good)
        for row, intended in enumerate(column.intended):
            second = int((intended - self._origin) / ENTRY_SECONDS) - self._final
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
            "step_seconds": ENTRY_SECONDS,
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
    """The part of a history from :attr:`since` until :attr:`until`.

    Attributes:
        since: requests that were due earlier are left out, and so are entries of earlier moments.
        until: requests that were due at this moment or later are left out, and so are later entries.
    """

    def __init__(self, since: float) -> None:
        super().__init__()
        self.since = since
        self.until = math.inf

    def take(self, *entries: Entry) -> None:
        """Append those of the entries that belong to it."""
        self.add(*(each for each in entries if self._belongs(each)))

    def _belongs(self, entry: Entry) -> bool:
        if isinstance(entry, Sample):
            return self.since <= entry.intended < self.until
        if isinstance(entry, Check):
            return True
        return self.since <= entry.at < self.until


class DayHistory(History):
    """A history that excerpts can follow."""

    def __init__(self) -> None:
        super().__init__()
        self._gate = threading.Lock()
        self._followers: list[Excerpt] = []

    def add(self, *entries: Entry) -> None:
        """Append entries, and pass them on to every open excerpt."""
        with self._gate:
            super().add(*entries)
            for each in self._followers:
                each.take(*entries)

    def follow(self, since: float) -> Excerpt:
        """An excerpt from ``since`` on, which grows with this history until :meth:`leave`."""
        found = Excerpt(since)
        with self._gate:
            for column in self.columns(since).values():
                found.take(*column)
            found.take(*self.acknowledgements, *self.accesses)
            self._followers.append(found)
        return found

    def leave(self, excerpt: Excerpt) -> None:
        """Close an excerpt: it grows no more."""
        with self._gate:
            if excerpt in self._followers:
                self._followers.remove(excerpt)
