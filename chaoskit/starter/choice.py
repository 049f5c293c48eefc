"""Which fault each component gets: the faults themselves say whether they fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from chaoskit.faults.base import Fault
from chaoskit.faults.cache import CacheLoss
from chaoskit.faults.connections import ConnectionExhaustion
from chaoskit.faults.replication import ReplicaLag
from chaoskit.starter.model import HttpEntry, StarterTrial, Visit
from chaoskit.starter.texts import quoted

Fits = Callable[[Fault], Sequence[str]]
"""Returns why a fault does not fit the running system; nothing if it fits."""


POSTGRES_PORT, REDIS_PORT = 5432, 6379

FLOOD_RATE_PER_S = 500


class Kind(Enum):
    """What a component is, as the fault that fits it tells."""

    POSTGRES = auto()
    STANDBY = auto()
    REDIS = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Known:
    """A component, and which fault fits it.

    Attributes:
        component: its name.
        service: its service.
        kind: what it is.
        fault: the fault of growth that fits it, if there is one.
        notes: why a fault that should fit does not, each a sentence.
    """

    component: str
    service: str
    kind: Kind
    fault: Fault | None = None
    notes: tuple[str, ...] = ()


def look(component: str, service: str, ports: Collection[int], fits: Fits) -> Known:
    """Ask the faults whether they fit a component.

    Args:
        component: its name.
        service: its service.
        ports: the ports that it serves.
        fits: asks a fault.
    """
    lags = (ReplicaLag(component), ReplicaLag(component, by="link"))
    if POSTGRES_PORT in ports:
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
    if REDIS_PORT in ports and not fits(CacheLoss(component, how="kill")):  # it may want a password
        return Known(component, service, Kind.REDIS, CacheLoss(component, how="kill"))
    return Known(component, service, Kind.OTHER)


def trials(
    known: Known, visits: Sequence[Visit], *, written: bool, sharing: bool, replicas: int
) -> tuple[StarterTrial, ...]:
    """The experiment of one component, and an inactive second one if it cannot run yet.

    Args:
        known: the component.
        visits: the journeys.
        written: for a standby, whether its primary is written to while the journeys run. Without writes
            no standby lags.
        sharing: whether other components share its network; they would not survive its death.
        replicas: how many replicas its service has.
    """
    if known.fault is not None and (known.kind is not Kind.STANDBY or written):
        return (_of_growth(known, known.fault, visits),)
    plain = _primitive(known, visits, sharing=sharing, replicas=replicas)
    if known.fault is None:
        return (plain,)
    lag = _of_growth(known, known.fault, visits)
    note = (
        "Nothing was written while the journeys ran, so this standby had nothing to fall behind on. "
        "Add a journey that writes, and then uncomment this experiment."
    )
    return plain, _commented(lag, note)


def flood(entry: HttpEntry) -> StarterTrial:
    """Bots at an entry; inactive, since a flood should not surprise the user of a laptop."""
    return StarterTrial(
        name=f"test_bots_at_{python_name(entry.service)}",
        component=entry.service,
        kind="BotFlood",
        arguments=(quoted(entry.name), f"rate_per_s={FLOOD_RATE_PER_S}", f"path={quoted(entry.path)}"),
        about=f"Bots flood {entry.service}: they are refused, and users do not notice.",
        stage="100,000 users",
        notes=(
            f"{FLOOD_RATE_PER_S} requests per second are a lot for a laptop. "
            "Uncomment this experiment on a machine that can send them.",
        ),
        active=False,
    )


def _of_growth(known: Known, fault: Fault, visits: Sequence[Visit]) -> StarterTrial:
    name, component = python_name(known.component), known.component
    notes: tuple[str, ...] = ()
    if known.kind is Kind.POSTGRES:
        test, about = f"test_{name}_connections_run_out", f"Every connection of {component} is taken"
        about += ": clients that pool and bound theirs do not notice."
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
        notes.append("Others share its network and would not survive its death, so it freezes instead.")
    elif any(visit.entry.service == known.service for visit in visits):
        kind, verb, happens = "Restart", "restarts", f"A deploy restarts {component}"
    else:
        kind, verb, happens = "Kill", "dies", f"{component} dies"
    outcome = _outcome(known.service, visits)
    if replicas > 1:
        happens += f", one of {replicas}"
        outcome = "the others serve, and journeys keep their degraded SLO"
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
        return "journeys that need it may fail, and recover in time"
    if any(service in visit.uses for visit in visits):
        return "journeys that use it keep their degraded SLO"
    return "users do not notice"


def _why_not(fault: Fault, reasons: Sequence[str]) -> tuple[str, ...]:
    return (f"{type(fault).__name__} does not fit: {'; '.join(reasons)}.",)


def _commented(trial: StarterTrial, note: str) -> StarterTrial:
    return replace(trial, notes=(*trial.notes, note), active=False)


def _further(fault: Fault) -> tuple[str, ...]:
    """The arguments of a fault that differ from their defaults."""
    if isinstance(fault, CacheLoss):
        return (f"how={quoted(fault.how)}",)
    if isinstance(fault, ReplicaLag) and fault.by != "replay":
        return (f"by={quoted(fault.by)}",)
    return ()


def unique(names: Iterable[str]) -> list[str]:
    """The names made unique: ``my-api`` and ``my_api`` are two services, but one name in Python."""
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
