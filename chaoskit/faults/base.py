"""What every fault is: frozen data that says whom it hits, how it is proven, how it is undone.

A fault is data; what it sets going is an :class:`Injection`. The listing of this folder is the
catalogue: one file per mechanism.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from chaoskit.errors import FaultMisfit
from chaoskit.record.masking import MASK
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Component, Impact, members


@dataclass(frozen=True, slots=True)
class Evidence:
    """One look at the system itself.

    Attributes:
        holds: whether what was looked for is so.
        says: what was seen, one sentence with its figures.
        figures: the same, JSON-able.
    """

    holds: bool
    says: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the system owes under a fault beside its journeys' SLOs: that a backlog drains, that a
    flood is refused cheaply.

    Attributes:
        name: a word or two, as they stand in the verdict: ``drain``.
        kept: whether it was kept; ``None`` while that cannot be told.
        says: what was seen, one sentence with its figures and the limit.
        figures: the same, JSON-able.
    """

    name: str
    kept: bool | None
    says: str
    figures: Mapping[str, Any] = field(default_factory=dict)


class Injection(ABC):
    """A fault that is set going. Each method is one look or one act; the experiment repeats looks."""

    @abstractmethod
    def landed(self) -> Evidence:
        """Is the fault there, seen from the system and not from what was asked for?"""

    def holding(self) -> Evidence:
        """Is it still there at the end of the fault window? The same look as at the landing,
        unless the fault is a single blow.
        """
        return self.landed()

    def under_way(self) -> bool:
        """Whether the fault still has to run its course (a rollout): the fault window lasts until then."""
        return False

    @abstractmethod
    def lift(self) -> None:
        """Take the fault back. May be called again, also when only half of it was injected."""

    @abstractmethod
    def gone(self) -> Evidence:
        """Is it gone?"""

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """What the system owed under this fault, and whether it was kept; none by default.

        Asked again and again once the fault is gone, until none is undecided any more.

        Args:
            since_lift: seconds since lifting began. A promise with a deadline is broken after it.
        """
        return ()


@dataclass(frozen=True)
class Fault(ABC):
    """The base of all faults.

    A subclass is a frozen dataclass; its fields are what a user may choose. A field that is a secret
    has ``repr=False``: neither a report nor the journal shows it.
    """

    stage: ClassVar[str] = ""
    """The stage of growth at which users meet this failure, as in ``5,000 users``."""

    evidence: ClassVar[str] = ""
    """What is seen on the system itself when it has landed; one sentence, for the catalogue."""

    owes: ClassVar[str] = ""
    """What the system owes under it beside its journeys' promises, each by its name; for the catalogue."""

    @property
    def name(self) -> str:
        """How it is written in a report: its class and its fields that are not defaults; no password."""
        shown = []
        for position, each in enumerate(fields(self)):
            value = getattr(self, each.name)
            if not each.repr:
                continue
            if position == 0:
                shown.append(repr(value))
            elif each.name == "password" and value:
                shown.append(f"password={MASK!r}")
            elif value != each.default:
                shown.append(f"{each.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def describe(self) -> dict[str, Any]:
        """The fault as JSON-able data, without its secrets."""
        shown: dict[str, Any] = {"kind": type(self).__name__, "stage": self.stage}
        for each in fields(self):
            value = getattr(self, each.name)
            shown[each.name] = value if each.repr or value is None else MASK
        return shown

    @abstractmethod
    def misfits(self, runtime: Runtime) -> list[str]:
        """Why this fault cannot be injected here; empty if it can. Looks only, changes nothing."""

    @abstractmethod
    def impact(self, runtime: Runtime) -> Impact:
        """Which components it takes away or strains."""

    @abstractmethod
    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """How to take it back without this process: on disk before anything is injected."""

    @abstractmethod
    def inject(self, runtime: Runtime) -> Injection:
        """Set it going. Returns at once when asked for, before it is proven."""


def check(fault: Fault, runtime: Runtime) -> None:
    """Raise unless the fault fits, and may be injected here.

    Raises:
        FaultMisfit: with every reason.
        UsageError: the runtime was told to touch less.
    """
    reasons = fault.misfits(runtime)
    if reasons:
        raise FaultMisfit(
            f"{fault.name} does not fit this system",
            evidence="\n".join(reasons),
            remedy="choose another component or another fault; nothing was injected",
        )
    permit(fault, runtime)


def permit(fault: Fault, runtime: Runtime) -> tuple[Undo, ...]:
    """Raise unless it may be injected here; returns its undo.

    Raises:
        UsageError: the runtime was told to touch less.
    """
    steps = fault.undo(runtime)
    runtime.permit(steps, fault.impact(runtime))
    return steps


def targets(name: str, components: Iterable[Component]) -> tuple[str, ...]:
    """The components that ``name`` (a component, or a service with all its replicas) means."""
    return tuple(sorted(members(name, components)))


def unknown(name: str, components: Sequence[Component]) -> list[str]:
    """The misfit of a name that is no component; empty if it is one."""
    if targets(name, components):
        return []
    there = ", ".join(each.name for each in components)
    return [f"there is no component or service {name!r}; there are {there}"]


def together(looks: Sequence[Evidence], says: str) -> Evidence:
    """One evidence from several: it holds if all do, and tells of those that do not."""
    missing = [look.says for look in looks if not look.holds]
    figures = {key: value for look in looks for key, value in look.figures.items()}
    if missing:
        return Evidence(False, "; ".join(missing), figures)
    return Evidence(bool(looks), says if looks else "nothing was looked at", figures)
