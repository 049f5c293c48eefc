"""Which fault a component gets: each fault is asked itself whether it fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from chaoskit.faults.base import Fault
from chaoskit.faults.cache import CacheLoss
from chaoskit.faults.connections import ConnectionExhaustion
from chaoskit.faults.replication import ReplicaLag
from chaoskit.starter.model import Door, StarterTrial, Visit
from chaoskit.starter.texts import quoted

Fits = Callable[[Fault], Sequence[str]]
"""Why a fault does not fit the running system; empty if it does."""


class Kind(Enum):
    """What a component is, by the fault that fits it."""

    POSTGRES = auto()
    STANDBY = auto()
    REDIS = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Known:
    """A component and what the faults said of it.

    Attributes:
        component: its name.
        service: its service.
        kind: what it is.
        fault: the fault of growth that fits it, if one does.
        notes: why one that should fit does not, each a sentence.
    """

    component: str
    service: str
    kind: Kind
    fault: Fault | None = None
    notes: tuple[str, ...] = ()


def look(component: str, service: str, ports: Collection[int], fits: Fits) -> Known:
    """Ask the faults about a component.

    Args:
        component: its name.
        service: its service.
        ports: what it serves.
        fits: asks a fault.
    """
    lags = (ReplicaLag(component), ReplicaLag(component, by="link"))
    if 5432 in ports:
        for lag in lags:
            if not fits(lag):
                return Known(component, service, Kind.STANDBY, lag)
        exhaustion = ConnectionExhaustion(component)
        reasons = fits(exhaustion)
        if not reasons:
            return Known(component, service, Kind.POSTGRES, exhaustion)
        return Known(component, service, Kind.POSTGRES, None, _why_not(exhaustion, reasons))
    if not fits(CacheLoss(component, how="flush")):
        return Known(component, service, Kind.REDIS, CacheLoss(component, how="kill"))
    if 6379 in ports and not fits(CacheLoss(component, how="kill")):  # it wants a password, perhaps
        return Known(component, service, Kind.REDIS, CacheLoss(component, how="kill"))
    return Known(component, service, Kind.OTHER)


def trials(
    known: Known, visits: Sequence[Visit], *, written: bool, sharing: bool, replicas: int
) -> tuple[StarterTrial, ...]:
    """The experiment of one component, and beside it, as a comment, one that does not run yet.

    Args:
        known: the component.
        visits: the journeys.
        written: for a standby, whether its primary is written to while the journeys run: without
            that no replica ever lags.
        sharing: whether others live in its network: they would not survive its death.
        replicas: how many its service has.
    """
    if known.fault is not None and (known.kind is not Kind.STANDBY or written):
        return (_of_growth(known, known.fault, visits),)
    plain = _primitive(known, visits, sharing=sharing, replicas=replicas)
    if known.fault is None:
        return (plain,)
    lag = _of_growth(known, known.fault, visits)
    note = (
        "Nothing was written while the journeys ran, so this standby has nothing to lag behind with. "
        "Add a journey that writes, then take the comment signs away."
    )
    return plain, _commented(lag, note)


def flood(door: Door) -> StarterTrial:
    """Bots at an entry: as a comment, since it is more than a laptop should be asked without warning."""
    return StarterTrial(
        name=f"test_bots_at_{python_name(door.service)}",
        component=door.service,
        kind="BotFlood",
        arguments=(quoted(door.entry), "rate_per_s=500", f"path={quoted(door.path)}"),
        about=f"Bots flood {door.service}: they are refused, and users do not notice.",
        stage="100,000 users",
        notes=("500 requests a second is a lot for a laptop, so this one waits until you ask for it.",),
        active=False,
    )


def _of_growth(known: Known, fault: Fault, visits: Sequence[Visit]) -> StarterTrial:
    name, component = python_name(known.component), known.component
    notes: tuple[str, ...] = ()
    if known.kind is Kind.POSTGRES:
        test, about = f"test_{name}_connections_run_out", f"Every connection of {component} is taken"
        about += ": whoever pools and bounds them does not notice."
    elif known.kind is Kind.STANDBY:
        test, about = f"test_{name}_lags", f"{component} falls behind its primary, and catches up in time."
    else:
        test, about = f"test_{name}_is_lost", f"{component} dies: {_outcome(known.service, visits)}."
        notes = ('Also worth a try: how="hang", which finds clients without a time-out.',)
    return StarterTrial(
        name=test,
        component=component,
        kind=type(fault).__name__,
        arguments=(quoted(component), *_further(fault)),
        about=about,
        stage=type(fault).stage,
        notes=notes,
    )


def _primitive(known: Known, visits: Sequence[Visit], *, sharing: bool, replicas: int) -> StarterTrial:
    name, component = python_name(known.component), known.component
    notes = list(known.notes)
    if sharing:
        kind, verb, happens = "Pause", "freezes", f"{component} freezes"
        notes.append("It shares its network with others, which would not survive its death: so it is frozen.")
    elif any(visit.door.service == known.service for visit in visits):
        kind, verb, happens = "Restart", "restarts", f"{component} restarts, as in a deploy"
    else:
        kind, verb, happens = "Kill", "dies", f"{component} dies"
    outcome = _outcome(known.service, visits)
    if replicas > 1:
        happens += f", one of {replicas}"
        outcome = "the others serve, and users keep their degraded SLO"
    return StarterTrial(
        name=f"test_{name}_{verb}",
        component=component,
        kind=kind,
        arguments=(quoted(component),),
        about=f"{happens}: {outcome}.",
        notes=tuple(notes),
    )


def _outcome(service: str, visits: Sequence[Visit]) -> str:
    if any(service in visit.needs for visit in visits):
        return "who needs it may fail, and recovers in time"
    if any(service in visit.uses for visit in visits):
        return "users keep their degraded SLO"
    return "users do not notice"


def _why_not(fault: Fault, reasons: Sequence[str]) -> tuple[str, ...]:
    return (f"{type(fault).__name__} did not fit: {'; '.join(reasons)}.",)


def _commented(trial: StarterTrial, note: str) -> StarterTrial:
    return replace(trial, notes=(*trial.notes, note), active=False)


def _further(fault: Fault) -> tuple[str, ...]:
    """What is not default in the faults that are written here."""
    if isinstance(fault, CacheLoss):
        return (f"how={quoted(fault.how)}",)
    if isinstance(fault, ReplicaLag) and fault.by != "replay":
        return (f"by={quoted(fault.by)}",)
    return ()


def apart(names: Iterable[str]) -> list[str]:
    """Names that differ: ``my-api`` and ``my_api`` are two services, and one name in Python."""
    found: list[str] = []
    for name in names:
        number = 1
        while (new := name if number == 1 else f"{name}_{number}") in found:
            number += 1
        found.append(new)
    return found


def python_name(name: str) -> str:
    """A name as part of a Python name: ``my-api.1`` → ``my_api_1``."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "component"
