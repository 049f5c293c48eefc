"""What a mutant is, and how it must be caught: written down before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Collateral:
    """What else may break where a mutant is caught, and need not. Anything beyond is a wrong reason.

    Attributes:
        journey: whose promises; empty for what is owed under the fault itself.
        promises: which ones: see :class:`chaoskit.judge.Finding`.
        because: how the lack of the mitigation reaches this journey, too; one sentence.
    """

    journey: str = ""
    promises: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """How a mutant is caught.

    Attributes:
        experiment: by which experiment.
        journey: whose promise breaks; empty for what is owed under the fault itself (``drain``).
        promise: which one: see :class:`chaoskit.judge.Finding`.
        because: why just that breaks without the mitigation; one sentence.
        may_break: what else may break; by default nothing. A mutant that breaks everything shows
            nothing about the one mitigation that it lacks.
    """

    experiment: str
    journey: str = ""
    promise: str
    because: str
    may_break: tuple[Collateral, ...] = ()

    def foresees(self, journey: str, promise: str) -> bool:
        """Whether a promise that broke is the one that had to, or one of those that may."""
        if (journey, promise) == (self.journey, self.promise):
            return True
        return any(each.journey == journey and promise in each.promises for each in self.may_break)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """The system without one mitigation.

    Attributes:
        name: ``no pooler``.
        environment: the variables for Compose's interpolation that switch it off.
        caught: each way in which it must be caught; at least one.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    caught: tuple[Catch, ...]
