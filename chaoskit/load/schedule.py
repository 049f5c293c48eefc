"""When users arrive: in an open loop, so that a slow answer never delays the next arrival.

A schedule is a pure function of its arguments. The load process launches by it. The harness counts by
it afterwards, and so notices an arrival that got lost on the way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice, takewhile
from typing import TYPE_CHECKING

from chaoskit.system.arrivals import STEADY, Course, Pattern

if TYPE_CHECKING:
    from chaoskit.load.protocol import Setup
    from chaoskit.load.source import JourneyPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The arrivals of one journey.

    Attributes:
        journey: the journey's name. Together with the seed it decides phase and gaps.
        rate: arrivals per second.
        seed: the run's seed.
        pattern: see :data:`chaoskit.system.arrivals.Pattern`.
        course: how the rate changes.
        share: (k, n) takes those of the arrivals 0, 1, 2, … whose number modulo n is k. Together the
            shares of n processes are the whole schedule, whatever n is.
    """

    journey: str
    rate: float
    seed: int
    pattern: Pattern = "constant"
    course: Course = STEADY
    share: tuple[int, int] = (0, 1)

    @property
    def most(self) -> float:
        """Arrivals per second at most, of all shares together."""
        return self.rate * self.course.highest

    def arrivals(self, origin: float) -> Iterator[float]:
        """The moments of arrival, without end, on the same clock as ``origin``.

        A constant schedule starts at a phase of its own within the first gap, so that journeys of
        the same rate do not arrive in lockstep.
        """
        areas = self._areas()
        since = areas if self.course.steady else self.course.moments(areas)
        mine, of = self.share
        return (origin + seconds for seconds in islice(since, mine, None, of))

    def count(self, origin: float, until: float) -> int:
        """The number of arrivals up to and including ``until``."""
        return sum(1 for _ in takewhile(lambda due: due <= until, self.arrivals(origin)))

    def _areas(self) -> Iterator[float]:
        """The arrivals at the declared rate, in seconds since the origin."""
        draw = random.Random(f"{self.seed}/{self.journey}/arrivals")
        if self.pattern == "constant":
            phase = draw.random()
            yield from ((index + phase) / self.rate for index in count())
        due = 0.0
        while True:
            due += draw.expovariate(self.rate)
            yield due


def schedule_of(plan: JourneyPlan, setup: Setup) -> Schedule:
    """The share of a journey's arrivals that the process with this setup drives."""
    return Schedule(
        journey=plan.name,
        rate=plan.rate,
        seed=setup.seed,
        pattern=setup.pattern or plan.pattern,
        course=plan.course,
        share=setup.share,
    )
