"""The contract of a fault: frozen data that says what it hits, how it is proven and how it is undone.

A :class:`Fault` is data. Injecting it starts an :class:`Injection`, which looks at the system and lifts the
fault. Every other file or folder beside this one holds public faults, one mechanism each: the listing of
this folder is the catalogue.
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
        holds: whether the system is as the look expected it.
        says: what was seen: one sentence, with its figures.
        figures: the same as JSON-able data.
    """

    holds: bool
    says: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the system owes under a fault besides its journeys' SLOs, such as a backlog that drains.

    Attributes:
        name: a word or two, as the verdict shows them: ``drain``.
        kept: whether the system kept it; ``None`` while that is undecided.
        says: what was seen: one sentence, with its figures and the limit.
        figures: the same as JSON-able data.
    """

    name: str
    kept: bool | None
    says: str
    figures: Mapping[str, Any] = field(default_factory=dict)


class Injection(ABC):
    """A fault that was injected. Each method looks once or acts once; the experiment repeats the looks."""

    @abstractmethod
    def landed(self) -> Evidence:
        """Whether the fault is there, seen on the system itself and not in what the harness asked for."""

    def holding(self) -> Evidence:
        """Whether the fault is still there at the end of the fault window.

        By default the same look as :meth:`landed`. A fault that strikes only once looks for something else.
        """
        return self.landed()

    def under_way(self) -> bool:
        """Whether the fault still runs its course, as a rollout does; the fault window waits for it."""
        return False

    @abstractmethod
    def lift(self) -> None:
        """Lift the fault. May be called again, and after only half of the fault was injected."""

    @abstractmethod
    def gone(self) -> Evidence:
        """Whether the fault is gone, seen on the system itself."""

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """What the system owed under this fault, and whether the system kept it; nothing by default.

        The experiment asks again and again once the fault is gone, until every obligation is decided.

        Args:
            since_lift: seconds since the start of the lift. An obligation with a deadline is broken after it.
        """
        return ()


@dataclass(frozen=True)
class Fault(ABC):
    """The base of all faults.

    A subclass is a frozen dataclass, and its fields are what a user may choose. A field that holds a
    secret has ``repr=False``; then neither a report nor the journal shows it.
    """

    stage: ClassVar[str] = ""
    """The stage of growth at which users meet this failure, as in ``5,000 users``; empty for a primitive."""

    evidence: ClassVar[str] = ""
    """What is seen on the system itself once the fault has landed: one sentence, for the catalogue."""

    owes: ClassVar[str] = ""
    """What the system owes besides its journeys' promises, each obligation by name; for the catalogue."""

    @property
    def name(self) -> str:
        """The fault as reports show it: its class and the fields that are not defaults; no password."""
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
        """The fault as JSON-able data; its secrets are masked."""
        shown: dict[str, Any] = {"kind": type(self).__name__, "stage": self.stage}
        for each in fields(self):
            value = getattr(self, each.name)
            shown[each.name] = value if each.repr or value is None else MASK
        return shown

    @abstractmethod
    def misfits(self, runtime: Runtime) -> list[str]:
        """Every reason why this fault cannot be injected here; empty if it can. Only looks, changes nothing.

        The docstring of a subclass says what the fault needs; for the catalogue.
        """

    @abstractmethod
    def impact(self, runtime: Runtime) -> Impact:
        """Which components the fault takes away or strains, and which pairs of components it separates."""

    @abstractmethod
    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """The steps that undo the fault without this process; on disk before anything is injected."""

    @abstractmethod
    def inject(self, runtime: Runtime) -> Injection:
        """Inject the fault. Returns as soon as it was asked for, before it is proven."""


def check(fault: Fault, runtime: Runtime) -> None:
    """Raise unless the fault fits this system and may be injected into it.

    Raises:
        FaultMisfit: the fault does not fit; the error gives every reason.
        UsageError: the user allowed the runtime to touch less than the fault needs.
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
    """Raise unless the fault may be injected here; returns its undo steps.

    Raises:
        UsageError: the user allowed the runtime to touch less than the fault needs.
    """
    steps = fault.undo(runtime)
    runtime.permit(steps, fault.impact(runtime))
    return steps


def targets(name: str, components: Iterable[Component]) -> tuple[str, ...]:
    """The components that ``name`` means: one component, or all replicas of a service."""
    return tuple(sorted(members(name, components)))


def unknown(name: str, components: Sequence[Component]) -> list[str]:
    """The misfit of a name that is neither a component nor a service; empty if it is one."""
    if targets(name, components):
        return []
    there = ", ".join(each.name for each in components)
    return [f"there is no component or service {name!r}; there are {there}"]


def together(looks: Sequence[Evidence], says: str) -> Evidence:
    """One evidence from several: it holds if all of them hold, and otherwise says what the others saw."""
    missing = [look.says for look in looks if not look.holds]
    figures = {key: value for look in looks for key, value in look.figures.items()}
    if missing:
        return Evidence(False, "; ".join(missing), figures)
    return Evidence(bool(looks), says if looks else "nothing was looked at", figures)
