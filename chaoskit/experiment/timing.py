"""How long the phases of an experiment last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the phases last, in seconds.

    Attributes:
        warm_up: the shortest traffic before anything counts; it goes on until all journeys are steady.
        steady_within: the limit for that; longer where a slow journey needs it.
        control: the window that shows the steady state; longer where a slow journey needs it.
        active: how long the fault stays after it has landed; longer where a slow journey needs it.
        landing: the limit for evidence that the fault has landed.
        lifting: the limit for evidence that the fault is gone. A fault that has to run its course may
            stay that much longer than ``active``.
        settling: the limit for deciding the obligations of the fault.
    """

    warm_up: float = 3.0
    steady_within: float = 30.0
    control: float = 5.0
    active: float = 8.0
    landing: float = 15.0
    lifting: float = 60.0
    settling: float = 60.0


class PhaseLengths(TypedDict, total=False):
    """The fields of :class:`Timing` as keyword arguments, in seconds. A missing one keeps its value."""

    warm_up: float
    steady_within: float
    control: float
    active: float
    landing: float
    lifting: float
    settling: float
