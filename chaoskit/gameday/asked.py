"""What people ask of a game day."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.faults.base import Fault
from chaoskit.gameday.lifting import Active


@dataclass(frozen=True, slots=True)
class Next:
    """The next thing in the run book: begin its next step; while a step is active, lift it."""


@dataclass(frozen=True, slots=True)
class Inject:
    """Inject a fault by hand."""

    fault: Fault
    hypothesis: str = ""


@dataclass(frozen=True, slots=True)
class Lift:
    """Lift one of the faults that are active."""

    active: Active


@dataclass(frozen=True, slots=True)
class Finish:
    """Come to an end once nothing is under way."""


Command = Next | Inject | Lift | Finish
