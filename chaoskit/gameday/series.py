"""The journeys' figures second by second, for the record and for the screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from chaoskit.history import History
from chaoskit.judge.summary import quantile
from chaoskit.samples import NEVER, OUTCOMES, Column, Outcome
from chaoskit.system import Terms

STEP = 1.0
"""Seconds of one entry."""

_OK = OUTCOMES.index(Outcome.OK)


@dataclass(slots=True)
class Line:
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


class Series:
    """Lines that are brought up to date now and then; what cannot change any more is kept.

    Args:
        terms: the journeys.
        origin: second 0 on the history's clock.
    """

    def __init__(self, terms: tuple[Terms, ...], origin: float) -> None:
        self._terms, self._origin = terms, origin
        self._longest = max((each.timeout for each in terms), default=0.0) + 1.0
        self._final = 0
        self.lines = {each.name: Line() for each in terms}

    def update(self, history: History, now: float) -> None:
        """Count what has come in; the entry of the second that is under way comes with the next."""
        last = int((now - self._origin) / STEP)
        columns = history.columns(self._origin + self._final * STEP)
        for name, line in self.lines.items():
            line.cut(self._final)
            self._count(line, columns.get(name) or Column(name), last)
        self._final = max(self._final, int((now - self._longest - self._origin) / STEP))

    def _count(self, line: Line, column: Column, last: int) -> None:
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
