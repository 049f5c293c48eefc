"""How long the phases of an experiment last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the phases last, in seconds.

    Attributes:
        warm_up: traffic before anything counts, at least; it goes on until all journeys are steady.
        steady_within: the limit of that; longer where a slow journey needs it.
        control: the window that shows the steady state; longer where a slow journey needs it.
        active: how long the fault stays after it has landed; longer where a slow journey needs it.
        landing: within which there must be evidence that it landed.
        lifting: within which there must be evidence that it is gone; also how much longer than
            ``active`` a fault that has to run its course may take.
        settling: within which what else was owed under the fault must be decided.
    """

    warm_up: float = 3.0
    steady_within: float = 30.0
    control: float = 5.0
    active: float = 8.0
    landing: float = 15.0
    lifting: float = 60.0
    settling: float = 60.0


class PhaseLengths(TypedDict, total=False):
    """Fields of :class:`Timing` as keyword arguments, in seconds; one that is not given keeps its value."""

    warm_up: float
    steady_within: float
    control: float
    active: float
    landing: float
    lifting: float
    settling: float
