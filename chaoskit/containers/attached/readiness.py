"""Whether the components of an attached system serve again as they did on entry."""

from __future__ import annotations

from collections.abc import Iterable

from chaoskit.clock import Clock
from chaoskit.containers.engine.client import Containers
from chaoskit.containers.engine.lifecycle import Lifecycle
from chaoskit.containers.engine.sockets import EPHEMERAL_PORTS, InsideReader, reader_of_process
from chaoskit.errors import NotReady

_LOOK_INTERVAL = 0.1
"""Seconds between two looks at a component."""


class GuestReadiness:
    """Waits until components listen again on the ports on which they listened on entry.

    Args:
        containers: the project's containers.
        lifecycle: tells their state.
        clock: the time.
        names: the components that ran on entry; the others are not waited for.
    """

    def __init__(
        self, containers: Containers, lifecycle: Lifecycle, clock: Clock, names: Iterable[str]
    ) -> None:
        self._containers, self._lifecycle, self._clock = containers, lifecycle, clock
        self._served: dict[str, frozenset[int]] = {}
        for name in names:
            self._served[name] = self._listening(name)

    def served(self, component: str) -> frozenset[int]:
        """The ports on which a component listened on entry, without ephemeral ports."""
        return self._served.get(component, frozenset())

    def wait(self, names: Iterable[str], timeout: float) -> None:
        """Wait until all of them run, pass their health checks if they have one, and listen again.

        Raises:
            NotReady: a component is not ready in time; with its state and its last output.
        """
        until = self._clock.now() + timeout
        for name in names:
            if name not in self._served:
                continue
            while (missing := self._missing(name)) is not None:
                if self._clock.now() >= until:
                    raise NotReady(
                        f"{name} is not ready",
                        where=f"component {name}",
                        limit=f"{timeout:g} s",
                        evidence=f"{missing}\n{self._lifecycle.logs(name, 5)}",
                        remedy="read its output above, and restart it yourself: this run did not start it",
                    )
                self._clock.sleep(_LOOK_INTERVAL)

    def _missing(self, name: str) -> str | None:
        state = self._lifecycle.state(name)
        if not state.serving:
            return f"it is {state.status}" + (f", {state.health}" if state.health else "")
        absent = self._served[name] - self._listening(name)
        return f"it does not listen on {', '.join(map(str, sorted(absent)))}" if absent else None

    def _listening(self, name: str) -> frozenset[int]:
        inspected = self._containers.inspect(name)
        pid = int((inspected.get("State") or {}).get("Pid") or 0)
        if not pid:
            return frozenset()
        reader = reader_of_process(pid, inspected["Id"]) or InsideReader(
            self._containers.client, inspected["Id"], self.served(name)
        )
        sockets = reader.read(frozenset())
        listening = sockets.listening if sockets else frozenset[int]()
        return frozenset(port for port in listening if port not in EPHEMERAL_PORTS)
