"""What a mutant is, and how it must be caught: written down before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """How a mutant is caught.

    Attributes:
        experiment: by which experiment.
        journey: whose promise breaks; empty for what is owed under the fault itself (``drain``).
        promise: which one: see :class:`chaoskit.judge.Finding`.
        because: why just that breaks without the mitigation; one sentence.
    """

    experiment: str
    journey: str = ""
    promise: str
    because: str


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
