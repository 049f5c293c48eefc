"""From a measurement with nothing at fault to a first SLO that ordinary noise does not break."""

from __future__ import annotations

import math

from chaoskit.starter.model import Calm, Objective

P95_FACTOR = 3
"""How many times the measured p95 the objective allows."""

LEAST_P95 = 0.3
"""The lowest p95, in seconds, that one measurement leads to. The load generator must be punctual to a
tenth of it, and users hardly notice less."""

LEAST_DEGRADED_P95 = 1.0
"""The lowest degraded p95, in seconds."""

MOST_P95 = 10.0
"""The highest p95, in seconds: by then the user of a journey has given up."""

LEAST_SUCCESS = 0.6
"""The share of requests that must succeed with nothing at fault, or no journey is written."""

LEAST_RECOVERY = 30
"""The shortest recovery deadline, in seconds."""

_READABLE_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def objective(calm: Calm, ready_after: float) -> Objective:
    """The first objective of a journey.

    Args:
        calm: its measurement with nothing at fault.
        ready_after: seconds that the whole system took to be ready.
    """
    p95 = min(MOST_P95, max(LEAST_P95, readable(P95_FACTOR * calm.p95)))
    recovery = max(LEAST_RECOVERY, math.ceil(2 * ready_after / 10) * 10)
    return Objective(
        availability=_availability(calm),
        p95=p95,
        degraded_p95=min(MOST_P95, max(LEAST_DEGRADED_P95, readable(P95_FACTOR * p95))),
        recovery=recovery,
    )


def steady(calm: Calm) -> bool:
    """Whether enough requests succeeded for an objective."""
    return calm.samples - calm.failed >= LEAST_SUCCESS * calm.samples > 0


def readable(seconds: float) -> float:
    """The next figure at or above that a person would write, such as 0.3, 0.4 or 1.5."""
    if seconds <= 0:
        return 0.0
    size = 10.0 ** math.floor(math.log10(seconds))
    step = next(each for each in _READABLE_STEPS if each * size >= seconds * (1 - 1e-9))
    return round(step * size, 6)


def _availability(calm: Calm) -> float:
    """99% if nothing failed; otherwise five percentage points below what was measured."""
    if not calm.failed:
        return 0.99
    seen = (calm.samples - calm.failed) / calm.samples
    return max(0.5, math.floor((seen - 0.05) * 100) / 100)
