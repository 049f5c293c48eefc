"""The ports that the Toxiproxies publish on 127.0.0.1, by which this machine reaches the system."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from chaoskit.containers.engine.client import Containers
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import API_PORT, Interposed, Route

LOOPBACK = "127.0.0.1"


class PublishedPorts:
    """The table of a run's published Toxiproxy ports; safe to use from several threads.

    Args:
        containers: the run's containers.
        interposed: the rewritten system.
    """

    def __init__(self, containers: Containers, interposed: Interposed) -> None:
        self._containers = containers
        self._interposed = interposed
        self._harness = dict(interposed.harness)
        self._spares = {name: list(ports) for name, ports in interposed.spares.items()}
        self._published: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def published(self, toxiproxy: str, port: int) -> tuple[str, int]:
        """The address on this machine at which a Toxiproxy's container port is published.

        Raises:
            RuntimeFailure: the port is not published.
        """
        if (toxiproxy, port) not in self._published:
            self.read(toxiproxy)
        if (toxiproxy, port) not in self._published:
            raise RuntimeFailure(
                f"port {port} of {toxiproxy} is not published",
                where=f"container {toxiproxy}",
                remedy="check whether the container runs (docker ps)",
            )
        return LOOPBACK, self._published[toxiproxy, port]

    def read(self, toxiproxy: str) -> None:
        """Ask the engine again: each start of the container changes its published ports."""
        ports = (self._containers.inspect(toxiproxy).get("NetworkSettings") or {}).get("Ports") or {}
        for name, bindings in ports.items():
            if bindings:
                self._published[toxiproxy, int(name.partition("/")[0])] = int(bindings[0]["HostPort"])

    def api(self, toxiproxy: str) -> tuple[str, int]:
        """The address of a Toxiproxy's API."""
        return self.published(toxiproxy, API_PORT)

    def entries(self) -> Mapping[str, str]:
        """The entries: ``component:port`` → ``127.0.0.1:12345``."""
        found = {}
        for name, (toxiproxy, port) in self._interposed.entries.items():
            host, published = self.published(toxiproxy, port)
            found[name] = f"{host}:{published}"
        return found

    def harness(self, component: str, port: int) -> tuple[str, int] | None:
        """The Toxiproxy, and its container port, by which the harness reaches a component's port.

        ``None`` if the harness has no link to that port yet.
        """
        return self._harness.get((component, port))

    def take_spare(self, route: Route, port: int) -> int | None:
        """Use a spare published port for a route of the harness; ``None`` if none is left."""
        with self._lock:
            left = self._spares.get(route.toxiproxy)
            if not left:
                return None
            spare = left.pop(0)
            self._harness[route.provider, port] = (route.toxiproxy, spare)
            return spare
