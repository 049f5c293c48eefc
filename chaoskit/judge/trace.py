"""The samples of one journey as columns, in the order of their intended times.

Judging is counting, and Python counts in columns of plain numbers far faster than in objects.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, compress
from operator import sub

from chaoskit.record.samples import NEVER, OUTCOMES, Column, Columns, Outcome, Sample
from chaoskit.system import Terms

CLOCK_RESOLUTION = 1e-6
"""Seconds. The journal keeps microseconds, so a smaller excess over a bound does not make a request slow."""

_FAILED = bytes(outcome is not Outcome.OK for outcome in OUTCOMES).ljust(256, b"\1")
_UNFINISHED = OUTCOMES.index(Outcome.UNFINISHED)
_NOT = b"\1\0".ljust(256, b"\0")


@dataclass(frozen=True, slots=True)
class Trace:
    """Parallel columns, one entry a request.

    Attributes:
        at: intended times, ascending, seconds of the shared clock.
        latency: seconds from the intended time to the end; infinite if it never ended.
        lag: seconds by which the load generator was late; infinite if it never sent the request.
        failed: 1 where the request failed, else 0.
        error: the request's error, as an index into ``errors``.
        errors: the error texts.
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
        """The requests intended in [start, end)."""
        return self._rows(bisect_left(self.at, start), bisect_left(self.at, end))

    def split(self, moment: float) -> tuple[Trace, Trace]:
        """The requests that were over by ``moment``, and those that were in flight then.

        A request in flight at the injection of a fault belongs to the fault, not to the steady state. A
        request that was never sent was never in flight.
        """
        # A request that came earlier than the longest latency before the moment was over. In most traces
        # that is nearly all of them, so only the rest is looked at one by one.
        longest = max(self.latency, default=0.0) + CLOCK_RESOLUTION
        low = bisect_left(self.at, moment - longest)
        early, late = self._rows(0, low), self._rows(low, len(self))
        flying = [
            lag < NEVER and at < moment < at + latency
            for at, latency, lag in zip(late.at, late.latency, late.lag, strict=True)
        ]
        return early + late._where([not each for each in flying]), late._where(flying)

    def only_failed(self) -> Trace:
        """The requests that failed."""
        return self._where(self.failed)

    def as_answered(self) -> Trace:
        """The same requests, each counted as a success, so that only its latency is judged."""
        return replace(self, failed=bytes(len(self)))

    def without_lag(self, lag: float, timeout: float) -> Trace:
        """The trace with the lateness of the load generator taken out.

        Each latency is reduced by ``lag``: a generator that sends late also reads answers late. Requests
        that were never sent, or only after their user had given up, are left out.
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


def either(flags: bytes, others: bytes) -> bytes:
    """1 where either column is 1, else 0; both are columns of 0 and 1."""
    both = int.from_bytes(flags, "little") | int.from_bytes(others, "little")
    return both.to_bytes(len(flags), "little")


def negated(flags: bytes) -> bytes:
    """1 where there is 0, and 0 where there is 1."""
    return flags.translate(_NOT)


def running(flags: bytes) -> Sequence[int]:
    """For each row, how many of the flags before it are 1; one more element at the end counts them all."""
    if 0 not in flags:
        return range(len(flags) + 1)
    return array("I", chain((0,), accumulate(flags)))


def traces(terms: Sequence[Terms], record: Columns | Iterable[Sample], end: float) -> dict[str, Trace]:
    """The traces of all journeys that have terms.

    Args:
        terms: the journeys; samples of other journeys are left out.
        record: the samples, as columns or one by one in any order.
        end: when the load ended. A request that was unfinished then has failed if it was older than its
            journey's time-out; a younger one is left out, since its outcome is not known.
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
    # An unfinished request may have been cancelled before it recorded its start.
    for row, lag in enumerate(found.lag):
        if lag == NEVER and outcome[row] == _UNFINISHED:
            found.lag[row] = 0.0
    return found._where(
        [what != _UNFINISHED or end - due >= timeout for what, due in zip(outcome, at, strict=True)]
    )
