"""The members of an application: its containers, and the networks that they had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chaoskit.system import HARNESS, OUTSIDE, Component

BRIDGE = "network_mode: bridge"
"""The key of the engine's default bridge among a member's networks; its only names are those of ``links``."""


@dataclass(frozen=True, slots=True)
class Member:
    """One container that the application declares.

    Attributes:
        component: its component.
        service: its service's configuration, as Compose resolved it.
        namespace: the component whose network namespace it is in, mostly its own; ``None`` if it has no
            network.
        networks: the networks that it had, with its settings in each; empty if it is in the namespace
            of another component.
        container_name: the name that Compose would give the container.
    """

    component: Component
    service: Mapping[str, Any]
    namespace: str | None
    networks: Mapping[str, Mapping[str, Any]]
    container_name: str

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name

    @property
    def owns_namespace(self) -> bool:
        """Whether it has a network namespace of its own, which other members may share."""
        return self.namespace == self.name


@dataclass(frozen=True, slots=True)
class Application:
    """The application as its user wrote it.

    Attributes:
        project: the name that Compose gave it.
        config: its whole configuration.
        members: its containers, service by service.
        reasons: the reasons why it cannot be interposed; each names the service.
    """

    project: str
    config: Mapping[str, Any]
    members: tuple[Member, ...]
    reasons: tuple[str, ...]

    @property
    def hosts(self) -> tuple[Member, ...]:
        """The members with a network namespace of their own: only these have addresses."""
        return tuple(member for member in self.members if member.owns_namespace)

    def of_service(self, service: str) -> tuple[Member, ...]:
        """The containers of a service."""
        return tuple(member for member in self.members if member.component.service == service)

    def at(self, namespace: str) -> tuple[Member, ...]:
        """All members in the network namespace of component ``namespace``, that component first."""
        found = [member for member in self.members if member.namespace == namespace]
        return tuple(sorted(found, key=lambda member: member.name != namespace))

    def network_name(self, key: str) -> str:
        """The name that the engine would give the network."""
        settings = (self.config.get("networks") or {}).get(key) or {}
        return str(settings.get("name") or f"{self.project}_{key}")


def read_application(config: Mapping[str, Any]) -> Application:
    """Read the members of a configuration that Compose has resolved."""
    project = str(config.get("name") or "app")
    services: Mapping[str, Mapping[str, Any]] = config.get("services") or {}
    counts = {name: _count(service) for name, service in services.items()}
    namespaces = {name: _namespace(name, services) for name in services}
    members: list[Member] = []
    for service, settings in services.items():
        for index in range(1, counts[service] + 1):
            component = Component(
                name=component_name(service, index, counts[service]),
                service=service,
                index=index,
                image=str(settings.get("image") or f"{project}-{service}"),
            )
            owner = namespaces[service]
            # If a service joins the network of a replicated service, Compose puts it into one replica's.
            namespace = (
                component.name if owner == service else owner and component_name(owner, 1, counts[owner])
            )
            members.append(
                Member(
                    component=component,
                    service=settings,
                    namespace=namespace,
                    networks=_networks(settings) if owner == service else {},
                    container_name=str(settings.get("container_name") or f"{project}-{service}-{index}"),
                )
            )
    reasons = [*_refusals(services, counts), *_name_collisions(members)]
    return Application(project, config, tuple(members), tuple(reasons))


def component_name(service: str, index: int, count: int) -> str:
    """The component name of a service's container ``index`` of ``count``."""
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


def _namespace(service: str, services: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The service in whose network namespace this one is; ``None`` if it has no network."""
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
                f"service {name!r} has network_mode: host: it shares this machine's network, so Toxiproxy "
                "cannot stand between it and the others; give it networks and ports"
            )
        elif kind == "container":
            yield (
                f"service {name!r} has network_mode: {mode}: that container is not part of this application; "
                "make it a service, and use network_mode: service:…"
            )
        elif kind == "service" and counts.get(owner) == 0:
            yield f"service {name!r} shares the network of {owner!r}, which has no replica"
        elif kind not in ("", "none", "bridge", "default", "service"):
            yield f"service {name!r} has network_mode: {mode}, which chaoskit does not support; use networks"
        if name in (HARNESS, OUTSIDE):
            yield f"service {name!r} has a name that chaoskit reserves; rename it"
        yield from _port_shortages(name, service, counts[name])


def _port_shortages(name: str, service: Mapping[str, Any], count: int) -> Iterator[str]:
    """A reason for each port with fewer host ports than replicas, on which Compose would fail at start."""
    for port in service.get("ports") or ():
        first, _, last = str(port.get("published") or "").partition("-")
        if count < 2 or not is_tcp(port) or not first.isdigit() or first == "0":
            continue
        room = int(last) - int(first) + 1 if last.isdigit() else 1
        if room < count:
            yield (
                f"service {name!r} has {count} replicas and publishes host port {port['published']}, which "
                f"only {room} of them can have (Compose alone fails too); "
                f"publish '{port.get('target')}' without a host port"
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
