"""Who is meant by a host's name or address in the networks of a project."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from chaoskit.interpose.mentions import in_command, in_environment
from chaoskit.runtime.attached.published import Inspected, published
from chaoskit.system import Component


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
