"""The samples of one journey as columns, in the order of their intended times.

Judging is counting, and Python counts in lists of plain values far faster than in objects.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress, islice
from operator import attrgetter, eq

from chaoskit.history import Outcome, Sample
from chaoskit.system import Terms

CLOCK_RESOLUTION = 1e-6
"""Seconds. The journal keeps microseconds, so a latency is not slower than its bound by less."""

NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Trace:
    """Parallel columns, one entry a request.

    Attributes:
        at: intended times, ascending, seconds of the shared clock.
        latency: seconds from the intended time to the end; infinite if it never ended.
        lag: seconds by which the load engine was late; infinite if it never sent it.
        failed: whether the request failed.
        errors: what it failed of, as far as that is known.
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


def traces(terms: Sequence[Terms], samples: Iterable[Sample], end: float) -> dict[str, Trace]:
    """The traces of all journeys that have terms, in one pass.

    Args:
        terms: the journeys; samples of others are left out.
        samples: in any order.
        end: when the load ended. A request that was unfinished then has failed if it was older
            than its journey's time-out, and is left out if not: nobody knows what became of it.
    """
    found: dict[str, list[Sample]] = {each.name: [] for each in terms}
    for sample in samples:
        if sample.journey in found:
            found[sample.journey].append(sample)
    return {each.name: _trace(found[each.name], each.timeout, end) for each in terms}


def _trace(samples: list[Sample], timeout: float, end: float) -> Trace:
    samples.sort(key=attrgetter("intended"))
    outcomes = [sample.outcome for sample in samples]
    if Outcome.UNFINISHED in outcomes:
        samples = [
            sample
            for sample in samples
            if sample.outcome is not Outcome.UNFINISHED or end - sample.intended >= timeout
        ]
        outcomes = [sample.outcome for sample in samples]
    at = [sample.intended for sample in samples]
    if any(map(eq, at, islice(at, 1, None))):  # the order of the record must play no part
        samples.sort(key=_everything)
        outcomes = [sample.outcome for sample in samples]
    return Trace(
        at,
        [NEVER if (ended := sample.ended) is None else ended - sample.intended for sample in samples],
        [_lag(sample) if sample.started is None else sample.started - sample.intended for sample in samples],
        [outcome is not Outcome.OK for outcome in outcomes],
        [sample.error for sample in samples],
    )


def _lag(sample: Sample) -> float:
    # An unfinished request may have been cancelled before it could say when it started.
    return NEVER if sample.outcome is Outcome.NEVER_SENT else 0.0


def _everything(sample: Sample) -> tuple[float, float, float, str, str]:
    started = NEVER if sample.started is None else sample.started
    ended = NEVER if sample.ended is None else sample.ended
    return sample.intended, started, ended, sample.outcome.value, sample.error
