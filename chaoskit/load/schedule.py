"""When users arrive: open loop, so a slow answer never puts off the next arrival.

A schedule is a pure function of its arguments. The load process launches by it, and the harness
counts by it afterwards, so that an arrival that got lost on the way is noticed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Literal

Pattern = Literal["constant", "poisson"]
"""``constant``: evenly spaced. ``poisson``: as independent users arrive, exponential gaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The arrivals of one journey.

    Attributes:
        journey: the journey's name; with the seed it decides phase and gaps.
        rate: arrivals per second.
        seed: the run's seed.
        pattern: see :data:`Pattern`.
    """

    journey: str
    rate: float
    seed: int
    pattern: Pattern = "constant"

    def arrivals(self, origin: float) -> Iterator[float]:
        """The moments of arrival, without end, on the clock that ``origin`` is from.

        A constant schedule begins at a phase of its own within the first gap, so that journeys of
        one rate do not arrive in lockstep.
        """
        draw = random.Random(f"{self.seed}/{self.journey}/arrivals")
        if self.pattern == "constant":
            phase = draw.random()
            for index in count():
                yield origin + (index + phase) / self.rate
        due = origin
        while True:
            due += draw.expovariate(self.rate)
            yield due

    def count(self, origin: float, until: float) -> int:
        """How many arrivals there are up to and including ``until``."""
        return sum(1 for _ in takewhile(lambda due: due <= until, self.arrivals(origin)))
