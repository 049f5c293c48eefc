"""Names in a compose project: of its containers, by Compose's labels, and of its hosts, as DNS has them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import Any, Final

from chaoskit.containers.attached.addresses import Inspected, published
from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from chaoskit.interpose.members import component_name
from chaoskit.interpose.mentions import in_command, in_environment
from chaoskit.system import Component

PROJECT_LABEL: Final = "com.docker.compose.project"
_SERVICE_LABEL: Final = "com.docker.compose.service"
_NUMBER_LABEL: Final = "com.docker.compose.container-number"
_ONE_OFF_LABEL: Final = "com.docker.compose.oneoff"
_REPLICA_NAME: Final = re.compile(r"(.+)-(\d+)")

Labels = Mapping[str, str]


class Naming:
    """The components' names: the service's name, with the replica's number if there are several replicas.

    In a system that chaoskit left running (``chaoskit up --keep``), a label holds each name.

    Args:
        project: the labels of every container of the project.
    """

    def __init__(self, project: Iterable[Labels | None]) -> None:
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)
        self._replicas: defaultdict[str, set[int]] = defaultdict(set)
        for labels in project:
            if labels and is_service_container(labels):
                self._numbers[labels[_SERVICE_LABEL]].add(_number(labels))
                if replica := _REPLICA_NAME.fullmatch(labels.get(COMPONENT_LABEL, "")):
                    self._replicas[replica[1]].add(int(replica[2]))

    def name(self, labels: Labels | None) -> str | None:
        """The name of the container with these labels; ``None`` if it is not a service's container."""
        if not labels or not is_service_container(labels):
            return None
        if COMPONENT_LABEL in labels:
            return labels[COMPONENT_LABEL]
        service = labels[_SERVICE_LABEL]
        return component_name(service, _number(labels), len(self._numbers[service]))

    def component(self, inspected: Mapping[str, Any]) -> Component | None:
        """The container as a component; ``None`` if it is chaoskit's own or not a service's container."""
        config = inspected.get("Config") or {}
        labels: Labels = config.get("Labels") or {}
        name = self.name(labels)
        if name is None or (RUN_LABEL in labels and COMPONENT_LABEL not in labels):
            return None
        service, index = labels[_SERVICE_LABEL], _number(labels)
        if COMPONENT_LABEL in labels:
            replica = _REPLICA_NAME.fullmatch(name)
            several = replica is not None and len(self._replicas[replica[1]]) > 1
            service, index = (replica[1], int(replica[2])) if replica and several else (name, 1)
        return Component(name, service, index, str(config.get("Image", "")))


def is_service_container(labels: Labels) -> bool:
    """Whether a container belongs to a service, and not to a single ``docker compose run``."""
    return _SERVICE_LABEL in labels and labels.get(_ONE_OFF_LABEL, "False").lower() != "true"


def _number(labels: Labels) -> int:
    text = labels.get(_NUMBER_LABEL, "1")
    return int(text) if text.isdigit() else 1


class Directory:
    """Names and addresses of a project's containers, as the engine's DNS answers.

    Args:
        inspected: name → the engine's data, for every container of the project.
        components: those containers that are components of the system.
    """

    def __init__(self, inspected: Mapping[str, Inspected], components: Iterable[Component]) -> None:
        self._inspected = inspected
        self._services = {each.name: each.service for each in components}

    def host_of(self, host: str, port: int, networks: Container[str] | None = None) -> str | None:
        """The container that has the name or address ``host``, or the service if several of its replicas do.

        Args:
            host: a name or an address.
            port: the port, for a container that is reached by a published port of this machine.
            networks: the networks to look in; by default all of them, and the published ports.
        """
        found = {
            name
            for name, inspected in self._inspected.items()
            if any(host in names for names in self._names(inspected, networks))
        }
        if not found and networks is None:
            found = {
                name
                for name, inspected in self._inspected.items()
                if any(address == ("127.0.0.1", port) for address in published(inspected).values())
            }
        services = {self._services.get(name, name) for name in found}
        return next(iter(found if len(found) == 1 else services)) if len(services) == 1 else None

    def aliases(self, name: str) -> frozenset[str]:
        """All names and addresses of a container, or of a service's containers."""
        known = {name}
        for each, inspected in self._inspected.items():
            if name in (each, self._services.get(each)):
                known.update(*self._names(inspected, None))
                known |= {each, self._services.get(each, each)}
        return frozenset(known)

    def mentioning(self, hosts: Container[str], port: int) -> str | None:
        """The one component, or service, with ``host:port`` in its environment or command."""
        writers = set()
        for name, service in self._services.items():
            config = self._inspected[name].get("Config") or {}
            environment = dict(str(each).partition("=")[::2] for each in config.get("Env") or ())
            words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
            mentions = [*in_environment(environment), *in_command([str(word) for word in words])]
            if any(each.host in hosts and each.port == port for each in mentions):
                writers.add((name, service))
        services = {service for _, service in writers}
        if len(services) != 1:
            return None
        return next(name if len(writers) == 1 else service for name, service in writers)

    @staticmethod
    def _names(inspected: Inspected, networks: Container[str] | None) -> Iterable[frozenset[str]]:
        own = str(inspected.get("Name", "")).lstrip("/")
        for network, endpoint in ((inspected.get("NetworkSettings") or {}).get("Networks") or {}).items():
            if networks is None or network in networks:
                names = {*(endpoint.get("Aliases") or ()), *(endpoint.get("DNSNames") or ()), own}
                yield frozenset(names | {str(endpoint.get("IPAddress") or own)})
