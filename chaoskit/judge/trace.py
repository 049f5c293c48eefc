"""The samples of one journey as columns, in the order of their intended times.

Judging is counting, and Python counts in lists of plain values far faster than in objects.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

from chaoskit.history import Outcome, Sample
from chaoskit.system import Terms

CLOCK_RESOLUTION = 1e-6
"""Seconds. The journal keeps microseconds, so a latency is not slower than its bound by less."""

NEVER = math.inf

_Row = tuple[float, float, float, bool, str]


@dataclass(frozen=True, slots=True)
class Trace:
    """Parallel columns, one entry a request.

    Attributes:
        at: intended times, ascending, seconds of the shared clock.
        latency: seconds from the intended time to the end; infinite if it never ended.
        lag: seconds by which the load engine was late; infinite if it never sent it.
        failed: whether the request failed.
        errors: what it failed of; empty for those that succeeded.
    """

    at: Sequence[float]
    latency: Sequence[float]
    lag: Sequence[float]
    failed: Sequence[bool]
    errors: Sequence[str]

    def __len__(self) -> int:
        return len(self.at)

    def between(self, start: float, end: float) -> Trace:
        """The requests that were intended in [start, end)."""
        return self._rows(bisect_left(self.at, start), bisect_left(self.at, end))

    def split(self, moment: float) -> tuple[Trace, Trace]:
        """Those that were over by ``moment``, and those that were in flight then.

        A request that was in flight when a fault was injected is the fault's, not the steady
        state's. One that never was sent was never in flight.
        """
        flying = [
            lag < NEVER and at < moment < at + latency
            for at, latency, lag in zip(self.at, self.latency, self.lag, strict=True)
        ]
        over = [not each for each in flying]
        return self._where(over), self._where(flying)

    def only_failed(self) -> Trace:
        """The requests that failed."""
        return self._where(self.failed)

    def without_lag(self, lag: float, timeout: float) -> Trace:
        """What remains when a late load engine is allowed for.

        Latencies are less by ``lag``: an engine that sends late reads answers late, too. Requests
        that never were sent, or only when their user was gone, are left out.
        """
        sent = self._where([each < timeout for each in self.lag])
        return replace(sent, latency=[max(0.0, each - lag) for each in sent.latency])

    def __add__(self, later: Trace) -> Trace:
        return Trace(
            [*self.at, *later.at],
            [*self.latency, *later.latency],
            [*self.lag, *later.lag],
            [*self.failed, *later.failed],
            [*self.errors, *later.errors],
        )

    def _rows(self, low: int, high: int) -> Trace:
        return Trace(
            self.at[low:high],
            self.latency[low:high],
            self.lag[low:high],
            self.failed[low:high],
            self.errors[low:high],
        )

    def _where(self, kept: Sequence[bool]) -> Trace:
        columns = (self.at, self.latency, self.lag, self.failed, self.errors)
        return Trace(*(list(compress(column, kept)) for column in columns))  # type: ignore[arg-type]


def traces(terms: Iterable[Terms], samples: Iterable[Sample], end: float) -> dict[str, Trace]:
    """The traces of all journeys that have terms, in one pass.

    Args:
        terms: the journeys; samples of others are left out.
        samples: in any order.
        end: when the load ended. A request that was unfinished then has failed if it was older
            than its journey's time-out, and is left out if not: nobody knows what became of it.
    """
    timeouts = {each.name: each.timeout for each in terms}
    rows: dict[str, list[_Row]] = {name: [] for name in timeouts}
    for sample in samples:
        mine = rows.get(sample.journey)
        if mine is None:
            continue
        at, started, ended, outcome = sample.intended, sample.started, sample.ended, sample.outcome
        latency = NEVER if ended is None else ended - at
        lag = 0.0 if started is None else started - at
        if outcome is Outcome.OK:
            mine.append((at, latency, lag, False, ""))
        elif outcome is Outcome.FAILED:
            mine.append((at, latency, lag, True, sample.error or "failed"))
        elif outcome is Outcome.NEVER_SENT:
            mine.append((at, NEVER, NEVER, True, sample.error or "never sent"))
        elif end - at >= timeouts[sample.journey]:
            mine.append((at, NEVER, lag, True, f"no answer after {end - at:.1f} s"))
    found = {}
    for name, mine in rows.items():
        mine.sort()  # by intended time, then by all the rest: the order of the record plays no part
        at_, latency_, lag_, failed_, errors_ = zip(*mine, strict=True) if mine else ((),) * 5
        found[name] = Trace(at_, latency_, lag_, failed_, errors_)
    return found
