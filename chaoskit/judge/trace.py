"""The samples of one journey as columns, in the order of their intended times.

Judging is counting, and Python counts in columns of plain numbers far faster than in objects.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from operator import sub

from chaoskit.samples import NEVER, OUTCOMES, Column, Columns, Outcome, Sample
from chaoskit.system import Terms

CLOCK_RESOLUTION = 1e-6
"""Seconds. The journal keeps microseconds, so a latency is not slower than its bound by less."""

_FAILED = bytes(outcome is not Outcome.OK for outcome in OUTCOMES).ljust(256, b"\1")
_UNFINISHED = OUTCOMES.index(Outcome.UNFINISHED)


@dataclass(frozen=True, slots=True)
class Trace:
    """Parallel columns, one entry a request.

    Attributes:
        at: intended times, ascending, seconds of the shared clock.
        latency: seconds from the intended time to the end; infinite if it never ended.
        lag: seconds by which the load engine was late; infinite if it never sent it.
        failed: 1 where the request failed, else 0.
        error: what it failed of, as a number into ``errors``.
        errors: the texts.
    """

    at: array[float]
    latency: array[float]
    lag: array[float]
    failed: bytes
    error: array[int]
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
        return replace(sent, latency=array("d", [max(0.0, each - lag) for each in sent.latency]))

    def __add__(self, later: Trace) -> Trace:
        return Trace(
            self.at + later.at,
            self.latency + later.latency,
            self.lag + later.lag,
            self.failed + later.failed,
            self.error + later.error,
            self.errors,
        )

    def _rows(self, low: int, high: int) -> Trace:
        return Trace(
            self.at[low:high],
            self.latency[low:high],
            self.lag[low:high],
            self.failed[low:high],
            self.error[low:high],
            self.errors,
        )

    def _where(self, kept: Sequence[bool] | bytes) -> Trace:
        return Trace(
            array("d", compress(self.at, kept)),
            array("d", compress(self.latency, kept)),
            array("d", compress(self.lag, kept)),
            bytes(compress(self.failed, kept)),
            array("I", compress(self.error, kept)),
            self.errors,
        )


def traces(terms: Sequence[Terms], record: Columns | Iterable[Sample], end: float) -> dict[str, Trace]:
    """The traces of all journeys that have terms.

    Args:
        terms: the journeys; samples of others are left out.
        record: the samples, by column or one by one in any order.
        end: when the load ended. A request that was unfinished then has failed if it was older
            than its journey's time-out, and is left out if not: nobody knows what became of it.
    """
    columns = record if isinstance(record, Columns) else Columns.of(record)
    return {
        each.name: _trace(columns.get(each.name) or Column(each.name), each.timeout, end) for each in terms
    }


def _trace(column: Column, timeout: float, end: float) -> Trace:
    at, outcome = column.intended, column.outcome.tobytes()
    found = Trace(
        at,
        array("d", map(sub, column.ended, at)),
        array("d", map(sub, column.started, at)),
        outcome.translate(_FAILED),
        column.error,
        column.errors,
    )
    if _UNFINISHED not in outcome:
        return found
    # An unfinished request may have been cancelled before it could say when it started.
    for row, lag in enumerate(found.lag):
        if lag == NEVER and outcome[row] == _UNFINISHED:
            found.lag[row] = 0.0
    return found._where(
        [what != _UNFINISHED or end - due >= timeout for what, due in zip(outcome, at, strict=True)]
    )
