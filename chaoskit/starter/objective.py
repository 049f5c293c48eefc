"""From a calm measurement to a first SLO: loose enough that ordinary noise does not break it."""

from __future__ import annotations

import math

from chaoskit.starter.model import Calm, Objective

FACTOR = 3
"""How many times slower than in the calm a promise lets requests be."""

TIGHTEST = 0.3
"""Seconds below which no promise is made from one look: the load engine must be punctual to a tenth
of the promise, and users hardly notice less."""

DEGRADED = 1.0
"""Seconds that the degraded p95 allows at least."""

LONGEST = 10.0
"""Seconds after which a journey's user has given up anyhow."""

STEADY = 0.6
"""The share of requests that must succeed with nothing at fault for a journey to be written."""

_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def objective(calm: Calm, ready_after: float) -> Objective:
    """The first promises of a journey.

    Args:
        calm: what was measured with nothing at fault.
        ready_after: seconds that the whole system took to be ready.
    """
    p95 = min(LONGEST, max(TIGHTEST, readable(FACTOR * calm.p95)))
    recovery = max(30, math.ceil(2 * ready_after / 10) * 10)
    return Objective(
        availability=_availability(calm),
        p95=p95,
        degraded_p95=min(LONGEST, max(DEGRADED, readable(FACTOR * p95))),
        recovery=recovery,
    )


def steady(calm: Calm) -> bool:
    """Whether so many requests succeeded that a promise can be made at all."""
    return calm.samples - calm.failed >= STEADY * calm.samples > 0


def readable(seconds: float) -> float:
    """The next figure at or above that people would write: 0.3, 0.4, 1.5."""
    if seconds <= 0:
        return 0.0
    size = 10.0 ** math.floor(math.log10(seconds))
    step = next(each for each in _STEPS if each * size >= seconds * (1 - 1e-9))
    return round(step * size, 6)


def _availability(calm: Calm) -> float:
    """99% if nothing failed; else five points below what was seen."""
    if not calm.failed:
        return 0.99
    seen = (calm.samples - calm.failed) / calm.samples
    return max(0.5, math.floor((seen - 0.05) * 100) / 100)
