"""The published ports: which of them answer HTTP, and what the journeys over them are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chaoskit.runtime import Runtime
from chaoskit.starter.asking import ask
from chaoskit.starter.calm import RATES
from chaoskit.starter.choice import Kind, Known, apart, python_name
from chaoskit.starter.model import Door, Shut
from chaoskit.starter.paths import candidates

Tell = Callable[[str], None]

_SPOKEN = {
    Kind.POSTGRES: {5432: "PostgreSQL"},
    Kind.STANDBY: {5432: "PostgreSQL"},
    Kind.REDIS: {6379: "Redis"},
}
"""Ports of components that are known: asking them for a page would tell nothing."""


def find(
    runtime: Runtime, known: Sequence[Known], config: Mapping[str, Any], given: Sequence[str], tell: Tell
) -> tuple[list[Door], list[Shut]]:
    """Ask every published port.

    Args:
        runtime: where the system runs.
        known: its components: what speaks another protocol is not asked.
        config: what ``docker compose config`` says.
        given: the paths that the user names.
        tell: takes what was found, a line at a time.

    Returns:
        The entries of journeys, and the ports without one.
    """
    doors: list[Door] = []
    shut: list[Shut] = []
    spoken = {each.service: _SPOKEN.get(each.kind, {}) for each in known}
    asked: set[str] = set()
    for entry, address in runtime.entries.items():
        name = of_service(entry, runtime)
        if name in asked:
            continue
        asked.add(name)
        service, _, port = name.rpartition(":")
        if protocol := spoken.get(service, {}).get(int(port)):
            shut.append(Shut(name, f"speaks {protocol}, not HTTP"))
            continue
        answer = ask(address, candidates(service, config, given), runtime.clock)
        tell(f"{name}: {answer.says}")
        if answer.path is None:
            shut.append(Shut(name, answer.says))
        else:
            rate = _rate(answer.seconds)
            doors.append(Door(entry=name, service=service, path=answer.path, says=answer.says, rate=rate))
    return doors, shut


def of_service(entry: str, runtime: Runtime) -> str:
    """An entry by its service: the replicas of a service are one entry to its users."""
    component, _, port = entry.rpartition(":")
    service = next((each.service for each in runtime.components if each.name == component), component)
    return f"{service}:{port}"


def _rate(seconds: float) -> int:
    """Arrivals per second that cannot trouble a page that takes so long."""
    return RATES[0] if seconds < 0.3 else RATES[1] if seconds < 1.0 else RATES[2]


def named(doors: Sequence[Door]) -> Iterable[tuple[str, Door]]:
    """Each entry with the name of its journey: by its service, and its port where there are several."""
    several = Counter(python_name(door.service) for door in doors)
    names = [
        python_name(door.service if several[python_name(door.service)] == 1 else door.entry) for door in doors
    ]
    return zip(apart(f"visit_{name}" for name in names), doors, strict=True)
