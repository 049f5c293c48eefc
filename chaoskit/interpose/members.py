"""Who is there: the containers of an application, and the networks they had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chaoskit.system import HARNESS, OUTSIDE, Component

BRIDGE = "network_mode: bridge"
"""Stands for the engine's default bridge among a member's networks; it has no names but links."""


@dataclass(frozen=True, slots=True)
class Member:
    """One container that the application wants.

    Attributes:
        component: what it is called.
        service: its service's configuration, as Compose resolved it.
        seat: the component whose network it lives in, itself most often; ``None`` where it has no
            network.
        networks: the networks it had, with its settings in each; empty unless it sits by itself.
        container_name: what Compose would call the container.
    """

    component: Component
    service: Mapping[str, Any]
    seat: str | None
    networks: Mapping[str, Mapping[str, Any]]
    container_name: str

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name

    @property
    def sits_alone(self) -> bool:
        """Whether it has a network of its own, in which others may sit with it."""
        return self.seat == self.name


@dataclass(frozen=True, slots=True)
class Application:
    """The application as its user wrote it.

    Attributes:
        project: the name Compose gave it.
        config: all of its configuration.
        members: its containers, service by service.
        reasons: why it cannot be interposed; each names the service.
    """

    project: str
    config: Mapping[str, Any]
    members: tuple[Member, ...]
    reasons: tuple[str, ...]

    @property
    def hosts(self) -> tuple[Member, ...]:
        """The members with a network of their own: the only ones that have addresses."""
        return tuple(member for member in self.members if member.sits_alone)

    def of_service(self, service: str) -> tuple[Member, ...]:
        """The containers of a service."""
        return tuple(member for member in self.members if member.component.service == service)

    def at(self, seat: str) -> tuple[Member, ...]:
        """All who share the network of component ``seat``, itself first."""
        found = [member for member in self.members if member.seat == seat]
        return tuple(sorted(found, key=lambda member: member.name != seat))

    def network_name(self, key: str) -> str:
        """What the engine would call the network."""
        settings = (self.config.get("networks") or {}).get(key) or {}
        return str(settings.get("name") or f"{self.project}_{key}")


def read_application(config: Mapping[str, Any]) -> Application:
    """See who is there in a configuration that Compose has resolved."""
    project = str(config.get("name") or "app")
    services: Mapping[str, Mapping[str, Any]] = config.get("services") or {}
    counts = {name: _count(service) for name, service in services.items()}
    seats = {name: _seat(name, services) for name in services}
    members: list[Member] = []
    for service, settings in services.items():
        for index in range(1, counts[service] + 1):
            component = Component(
                name=component_name(service, index, counts[service]),
                service=service,
                index=index,
                image=str(settings.get("image") or f"{project}-{service}"),
            )
            owner = seats[service]
            # Compose gives a service that joins a replicated one's network to one replica.
            seat = component.name if owner == service else owner and component_name(owner, 1, counts[owner])
            members.append(
                Member(
                    component=component,
                    service=settings,
                    seat=seat,
                    networks=_networks(settings) if owner == service else {},
                    container_name=str(settings.get("container_name") or f"{project}-{service}-{index}"),
                )
            )
    reasons = [*_refusals(services, counts), *_name_collisions(members)]
    return Application(project, config, tuple(members), tuple(reasons))


def component_name(service: str, index: int, count: int) -> str:
    """What a service's container ``index`` of ``count`` is called."""
    return service if count == 1 else f"{service}-{index}"


def is_tcp(port: Mapping[str, Any]) -> bool:
    """Whether an entry of ``ports`` is TCP."""
    return str(port.get("protocol") or "tcp") == "tcp"


def _count(service: Mapping[str, Any]) -> int:
    deploy = service.get("deploy") or {}
    for wanted in (service.get("scale"), deploy.get("replicas")):
        if wanted is not None:
            return int(wanted)
    return 1


def _networks(service: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    if str(service.get("network_mode") or "") in ("bridge", "default"):
        return {BRIDGE: {}}
    return {key: settings or {} for key, settings in (service.get("networks") or {"default": {}}).items()}


def _seat(service: str, services: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The service whose network namespace this one is in, ``None`` for none at all."""
    seen = {service}
    while True:
        mode = str(services[service].get("network_mode") or "")
        kind, _, owner = mode.partition(":")
        if kind == "none":
            return None
        if kind != "service" or owner not in services or owner in seen:
            return service
        seen.add(owner)
        service = owner


def _refusals(services: Mapping[str, Mapping[str, Any]], counts: Mapping[str, int]) -> Iterator[str]:
    for name, service in services.items():
        mode = str(service.get("network_mode") or "")
        kind, _, owner = mode.partition(":")
        if mode == "host":
            yield (
                f"service {name!r} has network_mode: host: it shares this machine's network, so nothing "
                "can stand between it and the others; give it networks and ports"
            )
        elif kind == "container":
            yield (
                f"service {name!r} has network_mode: {mode}: that container is not part of this application; "
                "make it a service and use network_mode: service:…"
            )
        elif kind == "service" and counts.get(owner) == 0:
            yield f"service {name!r} shares the network of {owner!r}, which has no replica"
        elif kind not in ("", "none", "bridge", "default", "service"):
            yield f"service {name!r} has network_mode: {mode}, which chaoskit does not know; use networks"
        if name in (HARNESS, OUTSIDE):
            yield f"service {name!r} has a name that chaoskit keeps for itself; call it something else"
        yield from _port_shortages(name, service, counts[name])


def _port_shortages(name: str, service: Mapping[str, Any], count: int) -> Iterator[str]:
    """A host port goes to one replica; Compose would fail on the second, at start."""
    for port in service.get("ports") or ():
        first, _, last = str(port.get("published") or "").partition("-")
        if count < 2 or not is_tcp(port) or not first.isdigit() or first == "0":
            continue
        room = int(last) - int(first) + 1 if last.isdigit() else 1
        if room < count:
            yield (
                f"service {name!r} has {count} replicas and publishes host port {port['published']}, which "
                f"{'only one' if room == 1 else f'only {room}'} can have, with Compose alone too; "
                f"write '{port.get('target')}' without a host port"
            )


def _name_collisions(members: list[Member]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for member in members:
        other = seen.setdefault(member.name, member.component.service)
        if other != member.component.service:
            yield (
                f"service {other!r} and a replica of {member.component.service!r} would both be called "
                f"{member.name!r}; rename one"
            )
