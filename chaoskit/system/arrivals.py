"""How many users arrive, and when: the course of a journey's rate over a load.

A course is a curve of factors, straight between its knots, that multiply the declared rate. At a constant
rate, the k-th user arrives when the area under the curve has reached k. Independent users arrive when the
area has reached the k-th moment of a Poisson process of rate one (the time change of E. Çinlar,
"Introduction to Stochastic Processes", 1975, chapter 4, section 7). So one curve serves both patterns, and
the judge knows how many users were due in any window: the area over that window.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Pattern = Literal["constant", "poisson"]
"""``constant``: evenly spaced arrivals. ``poisson``: arrivals of independent users, exponential gaps."""


@dataclass(frozen=True, slots=True)
class Course:
    """The factors of a rate over the seconds since the load began.

    Attributes:
        knots: (seconds, factor) pairs, ascending in seconds; two knots at one moment are a jump. The
            factor is constant before the first knot and after the last.
    """

    knots: tuple[tuple[float, float], ...] = ((0.0, 1.0),)

    @property
    def steady(self) -> bool:
        """Whether the rate is always the declared rate."""
        return all(factor == 1.0 for _, factor in self.knots)

    @property
    def highest(self) -> float:
        """The largest factor."""
        return max(factor for _, factor in self.knots)

    def mistakes(self) -> list[str]:
        """The mistakes in the course, each in words; empty if there are none."""
        found = []
        if not self.knots:
            return ["it has no knots"]
        for seconds, factor in self.knots:
            if not (math.isfinite(seconds) and seconds >= 0):
                found.append(f"{seconds:g} s is not a time after the load began")
            if not (math.isfinite(factor) and factor > 0):
                found.append(f"a factor of {factor:g} is not a rate; it must be above zero")
        if any(later[0] < earlier[0] for earlier, later in zip(self.knots, self.knots[1:], strict=False)):
            found.append("its knots are not in order of time")
        return found

    def area(self, start: float, end: float) -> float:
        """The arrivals at a rate of one from ``start`` to ``end``, in seconds since the load began."""
        total = 0.0
        for low, high, first, slope in self._pieces():
            left, right = max(low, start), min(high, end)
            if left < right:
                begin = first + slope * (left - low)
                total += (right - left) * (begin + slope * (right - left) / 2)
        return total

    def lowest(self, start: float, end: float) -> float:
        """The smallest factor from ``start`` to ``end``."""
        found = []
        for low, high, first, slope in self._pieces():
            left, right = max(low, start), min(high, end)
            if left <= right:
                found += [first + slope * (moment - low) for moment in (left, right) if moment < math.inf]
        return min(found, default=self.knots[-1][1])

    def moments(self, areas: Iterable[float]) -> Iterator[float]:
        """The moments at which the area since the load began reaches each of these ascending values."""
        pieces = self._pieces()
        low, high, first, slope = next(pieces)
        passed = 0.0
        whole = self.area(low, high) if high < math.inf else math.inf
        for area in areas:
            while area > passed + whole:
                passed += whole
                low, high, first, slope = next(pieces)
                whole = self.area(low, high) if high < math.inf else math.inf
            rest = area - passed
            # The root of first·x + slope·x²/2 = rest, in the form that does not cancel.
            yield low + 2 * rest / (first + math.sqrt(max(0.0, first * first + 2 * slope * rest)))

    def _pieces(self) -> Iterator[tuple[float, float, float, float]]:
        """Start, end, first factor and slope of each stretch, from 0 to infinity."""
        before, factor = 0.0, self.knots[0][1]
        for seconds, reached in self.knots:
            if seconds > before:
                yield before, seconds, factor, (reached - factor) / (seconds - before)
            before, factor = seconds, reached
        yield before, math.inf, factor, 0.0


STEADY = Course()
"""The declared rate from start to end."""


def ramp(to: float, over: float, *, after: float = 0.0, start: float = 1.0) -> Course:
    """A rate that grows or falls evenly.

    Args:
        to: the factor of the declared rate at the end of the ramp and from then on.
        over: the length of the ramp, in seconds.
        after: the start of the ramp, in seconds after the load began.
        start: the factor until the ramp starts.
    """
    return Course(((after, start), (after + over, to)))


def steps(*changes: tuple[float, float]) -> Course:
    """A rate that jumps.

    Args:
        changes: (seconds after the load began, factor of the declared rate from then on) pairs.
    """
    knots, factor = [(0.0, 1.0)], 1.0
    for seconds, reached in changes:
        knots += [(seconds, factor), (seconds, reached)]
        factor = reached
    return Course(tuple(knots))
