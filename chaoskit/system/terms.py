"""What a journey promises, without the code of the journey: all that the judge needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chaoskit.system.arrivals import STEADY, Course, Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """A service level objective: what a journey promises to its users.

    Attributes:
        availability: the share of requests that succeed, 0 to 1.
        p50, p90, p95, p99: upper bounds in seconds on the quantiles of the latency, counted from
            the intended start. ``None`` makes no promise.
        recovery: seconds after a fault is lifted within which the journey is back inside its SLO.
        fails_within: where the journey may fail, the bound in seconds on the p95 of its failures and of
            all its answers: a user who waits is worse off than one who is told. ``None`` makes no promise.
        within: of a degraded SLO, seconds after the injection that a journey may take to reach it.
    """

    availability: float = 0.99
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    recovery: float = 30.0
    fails_within: float | None = None
    within: float = 0.0

    @property
    def quantiles(self) -> tuple[tuple[float, float], ...]:
        """The latency promises as (quantile, seconds) pairs, lowest quantile first."""
        named = ((0.50, self.p50), (0.90, self.p90), (0.95, self.p95), (0.99, self.p99))
        return tuple((quantile, bound) for quantile, bound in named if bound is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The promises of a journey, without the code of the journey: all that the judge needs.

    Attributes:
        name: the journey's name.
        rate: arrivals per second.
        slo: the SLO in steady state, and under faults that do not concern the journey.
        needs: components (or services) without which the journey may fail.
        uses: components (or services) without which the degraded SLO still holds.
        degraded: the SLO while a component that the journey uses is at fault; ``None`` means the full SLO.
        ledger: whether the acknowledgements of the journey are checked after recovery.
        timeout: seconds from the intended start after which a user gives up and the request has failed.
        pattern: whether users arrive evenly spaced or independently of each other.
        course: how the rate changes during the load.
    """

    name: str
    rate: float
    slo: Slo
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    degraded: Slo | None = None
    ledger: bool = False
    timeout: float = 10.0
    pattern: Pattern = "constant"
    course: Course = STEADY

    def due(self, start: float, end: float) -> float:
        """The expected arrivals from ``start`` to ``end``, in seconds since the load began."""
        return self.rate * (end - start if self.course.steady else self.course.area(start, end))

    def slowest(self, start: float, end: float = math.inf) -> float:
        """The lowest rate from ``start`` to ``end``, in seconds since the load began."""
        return self.rate if self.course.steady else self.rate * self.course.lowest(start, end)
