"""What the containers of a compose project are called, by the labels that Compose puts on them.

Who is meant by a host's name or address in the networks of a project.
"""

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
    """Names as chaoskit gives them: the service's, with the replica's number where there are several.

    A system that chaoskit itself left running (``chaoskit up --keep``) tells its names by a label.

    Args:
        everyone: the labels of every container of the project.
    """

    def __init__(self, everyone: Iterable[Labels | None]) -> None:
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)
        self._replicas: defaultdict[str, set[int]] = defaultdict(set)
        for labels in everyone:
            if labels and is_service_container(labels):
                self._numbers[labels[_SERVICE_LABEL]].add(_number(labels))
                if replica := _REPLICA_NAME.fullmatch(labels.get(COMPONENT_LABEL, "")):
                    self._replicas[replica[1]].add(int(replica[2]))

    def name(self, labels: Labels | None) -> str | None:
        """What the container is called; ``None`` for one that does not count."""
        if not labels or not is_service_container(labels):
            return None
        if COMPONENT_LABEL in labels:
            return labels[COMPONENT_LABEL]
        service = labels[_SERVICE_LABEL]
        return component_name(service, _number(labels), len(self._numbers[service]))

    def component(self, inspected: Mapping[str, Any]) -> Component | None:
        """The container as a component; ``None`` for one of chaoskit's own, or that does not count."""
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
    """Whether it is a container of a service, and no single command (``docker compose run``)."""
    return _SERVICE_LABEL in labels and labels.get(_ONE_OFF_LABEL, "False").lower() != "true"


def _number(labels: Labels) -> int:
    text = labels.get(_NUMBER_LABEL, "1")
    return int(text) if text.isdigit() else 1


class Directory:
    """Names and addresses as the engine's DNS gives them.

    Args:
        inspected: name → what the engine says, for every container of the project.
        components: those of them that are components of the system.
    """

    def __init__(self, inspected: Mapping[str, Inspected], components: Iterable[Component]) -> None:
        self._inspected = inspected
        self._services = {each.name: each.service for each in components}

    def who(self, host: str, port: int, networks: Container[str] | None = None) -> str | None:
        """The container that answers to ``host``, or the service if it is several of one.

        Args:
            host: a name or an address.
            port: its port, for what is reached by a port of this machine.
            networks: where to look; everywhere, and among published ports, by default.
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
        """Everything that a container, or those of a service, can be called by."""
        known = {name}
        for each, inspected in self._inspected.items():
            if name in (each, self._services.get(each)):
                known.update(*self._names(inspected, None))
                known |= {each, self._services.get(each, each)}
        return frozenset(known)

    def mentioning(self, hosts: Container[str], port: int) -> str | None:
        """The one component, or service, that writes ``host:port`` in its environment or command."""
        writers = set()
        for name, service in self._services.items():
            config = self._inspected[name].get("Config") or {}
            environment = dict(str(each).partition("=")[::2] for each in config.get("Env") or ())
            words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
            said = [*in_environment(environment), *in_command([str(word) for word in words])]
            if any(each.host in hosts and each.port == port for each in said):
                writers.add((name, service))
        services = {service for _, service in writers}
        if len(services) != 1:
            return None
        return next(name if len(writers) == 1 else service for name, service in writers)

    @staticmethod
    def _names(inspected: Inspected, networks: Container[str] | None) -> Iterable[frozenset[str]]:
        own = str(inspected.get("Name", "")).lstrip("/")
        for network, seat in ((inspected.get("NetworkSettings") or {}).get("Networks") or {}).items():
            if networks is None or network in networks:
                told = {*(seat.get("Aliases") or ()), *(seat.get("DNSNames") or ()), own}
                yield frozenset(told | {str(seat.get("IPAddress") or own)})
