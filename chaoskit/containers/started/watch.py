"""The thread that keeps each proxy in step with whether its provider listens.

It has two sources. The engine's events say at once which container started or died. The kernel's
table of sockets says when a component listens; it is read every few hundredths of a second while a
component is changing.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import docker

from chaoskit.containers.engine.client import ENGINE_ERRORS, Containers, calling, connect, hang_up, name_of
from chaoskit.containers.engine.sockets import (
    EPHEMERAL_PORTS,
    InsideReader,
    Reader,
    Sockets,
    reader_of_process,
)
from chaoskit.containers.started.proxies import Proxies
from chaoskit.errors import ChaoskitError
from chaoskit.interpose import RUN_LABEL

_RECONNECT_INTERVAL = 0.5
"""Seconds between two attempts to follow the engine again after it closed the stream of events."""


class Events:
    """Follows the engine's events about a run's containers, in a thread of its own.

    Args:
        containers: the run's containers.
        tell: takes the name of the component that an event is about, in that thread. It is also
            called once for each container that already exists.
    """

    def __init__(self, containers: Containers, tell: Callable[[str], None]) -> None:
        self._containers = containers
        self._tell = tell
        self._stopping = threading.Event()
        self._client: docker.DockerClient | None = None
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name="chaoskit-events", daemon=True)

    def start(self) -> None:
        """Start to follow; once this returns, no event is missed.

        Raises:
            EngineUnavailable, RuntimeFailure: the engine does not send its events.
        """
        self._client = connect(None)
        self._follow()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        self._hang_up()
        if self._thread.is_alive():
            self._thread.join(5.0)
        if self._client is not None:
            self._client.close()

    def _follow(self) -> None:
        assert self._client is not None
        with calling("follow the engine's events"):
            self._stream = self._client.api.events(
                decode=True,
                filters={
                    "type": "container",
                    "label": f"{RUN_LABEL}={self._containers.run_id}",
                    # After a kill (any signal) a component may stop listening long before it dies.
                    "event": ["start", "kill", "die", "pause", "unpause", "health_status"],
                },
            )
        for name in self._containers.list():
            self._tell(name)

    def _hang_up(self) -> None:
        if self._stream is not None:
            hang_up(self._stream)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(*ENGINE_ERRORS, AttributeError, ValueError):
                for event in self._stream:
                    if name := name_of(event["Actor"]["Attributes"]):
                        self._containers.learn(name, event["Actor"]["ID"])
                        self._tell(name)
            while not self._stopping.wait(_RECONNECT_INTERVAL):
                with suppress(ChaoskitError):
                    self._follow()
                    break


MOVING_INTERVAL, CALM_INTERVAL = 0.04, 0.25
"""Seconds between two looks at whether sockets have changed: while any component moves, and otherwise."""
HOT_PERIOD, MOVING_PERIOD = 3.0, 10.0
"""Seconds after an event during which a component may change at any moment, and may soon change."""
LONGEST_READING_INTERVAL = 5.0
"""Seconds after which a component's sockets are read although nothing seems to have changed."""
READING_COST_MULTIPLE = 8
"""A component's sockets are read at most once in this many times the duration of the last reading."""


@dataclass(slots=True)
class WatchedComponent:
    """What the watcher knows of a component.

    Attributes:
        inspected: the engine's data about it, as of the last event.
        reader: reads its sockets; ``None`` while it is down.
        sockets: the last reading; ``None`` while it is down.
        served: all ports on which it has listened so far.
        moved_at, read_at: the moments of the last event and of the last reading.
        cost: the duration of the last reading in seconds.
    """

    inspected: Mapping[str, Any] = field(default_factory=dict)
    reader: Reader | None = None
    sockets: Sockets | None = None
    served: frozenset[int] = frozenset()
    moved_at: float = 0.0
    read_at: float = 0.0
    cost: float = 0.0

    def patience(self, now: float) -> float:
        """Seconds between two readings while its sockets change all the time, as under traffic.

        The pause is as short as possible while the component may start or stop listening: it has just
        started or stopped, or it does not listen on a port on which it listened before.
        """
        listening = self.sockets.listening if self.sockets else frozenset()
        age = now - self.moved_at
        deaf = not self.served <= listening if self.served else age < MOVING_PERIOD
        return max(
            READING_COST_MULTIPLE * self.cost,
            0.0 if deaf or age < HOT_PERIOD else CALM_INTERVAL if age < MOVING_PERIOD else 4 * CALM_INTERVAL,
        )

    def due(self, now: float) -> bool:
        """Whether its sockets should be read now."""
        if self.reader is None:
            return False
        age = now - self.read_at
        return age >= LONGEST_READING_INTERVAL or (age >= self.patience(now) and self.reader.changed())


class Watcher:
    """Watches the containers of a run from :meth:`start` to :meth:`stop`.

    Args:
        containers: the run's containers.
        proxies: follow every reading.
        components, toxiproxies: the names of the containers to watch.
    """

    def __init__(
        self,
        containers: Containers,
        proxies: Proxies,
        *,
        components: Iterable[str],
        toxiproxies: Iterable[str],
    ) -> None:
        self.failure: ChaoskitError | None = None
        self._containers = containers
        self._proxies = proxies
        self._toxiproxies = frozenset(toxiproxies)
        self._seen = {name: WatchedComponent() for name in components}
        self._lock = threading.RLock()
        self._woken: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._events = Events(containers, self._woken.put)
        self._thread = threading.Thread(target=self._run, name="chaoskit-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch, including the containers that already run."""
        self._events.start()
        self._thread.start()

    def stop(self) -> None:
        """End all threads and wait for them."""
        self._stopping.set()
        self._events.stop()
        self._woken.put("")
        if self._thread.is_alive():
            self._thread.join(10.0)

    def refresh(self, component: str) -> Mapping[str, Any]:
        """Inspect a component now; on return, its proxies are in step with the engine's answer.

        Returns:
            The engine's answer; empty if the component has no container.
        """
        with self._lock:
            self._on_event(component)
            watched = self._seen.get(component)
            if watched is None:
                return {}
            self._look(component, watched)
            inspected = watched.inspected
        self._proxies.wait_provider_switched(component)
        return inspected

    def served(self) -> dict[str, frozenset[int]]:
        """Component → the ports on which it has listened so far, without ephemeral ports."""
        with self._lock:
            return {
                name: frozenset(port for port in each.served if port not in EPHEMERAL_PORTS)
                for name, each in self._seen.items()
            }

    def inspected(self, component: str) -> Mapping[str, Any]:
        """The engine's data about the component, as of its last event."""
        with self._lock:
            return self._seen[component].inspected

    def _run(self) -> None:
        while True:
            now = time.monotonic()
            moving = any(now - each.moved_at < MOVING_PERIOD for each in self._seen.values())
            woken: dict[str, None] = {}
            with suppress(queue.Empty):
                woken[self._woken.get(timeout=MOVING_INTERVAL if moving else CALM_INTERVAL)] = None
                while True:
                    woken[self._woken.get_nowait()] = None
            if self._stopping.is_set():
                return
            try:
                for name in woken:
                    self._on_event(name)
                for name, watched in self._seen.items():
                    self._look(name, watched)
                self.failure = None
            except ChaoskitError as error:
                self.failure = error  # the next turn retries it, and readiness reports it

    def _on_event(self, name: str) -> None:
        """Look at a container again: only its present state matters, not the kind of event."""
        with self._lock:
            if name not in self._seen and name not in self._toxiproxies:
                return
            inspected = self._containers.inspect(name)
            pid = int((inspected.get("State") or {}).get("Pid") or 0)
            if name in self._toxiproxies:
                self._proxies.stopped(name)
                if pid:
                    self._proxies.started(name)
                return
            watched = self._seen[name]
            watched.inspected = inspected
            watched.moved_at, watched.read_at, watched.cost = time.monotonic(), 0.0, 0.0
            watched.reader, watched.sockets = None, None
            self._mark_owner_moved(inspected)
            if pid:
                known = self._proxies.ports(name)
                watched.reader = reader_of_process(pid, inspected["Id"]) or InsideReader(
                    self._containers.client, inspected["Id"], known
                )

    def _mark_owner_moved(self, inspected: Mapping[str, Any]) -> None:
        """Look closely at the owner of a sidecar's network as well, since the sidecar listens there."""
        mode = str((inspected.get("HostConfig") or {}).get("NetworkMode"))
        for other in self._seen.values():
            if other.inspected.get("Id") and mode == f"container:{other.inspected['Id']}":
                other.moved_at, other.read_at = time.monotonic(), 0.0

    def _look(self, name: str, watched: WatchedComponent) -> None:
        """Read a component's sockets if that is due, and let its proxies follow."""
        with self._lock:
            now = time.monotonic()
            if watched.reader is not None and watched.due(now):
                watched.sockets = watched.reader.read(watched.served)
                watched.read_at, watched.cost = now, time.monotonic() - now
                if watched.sockets:
                    watched.served |= watched.sockets.listening
            self._proxies.follow(name, watched.sockets)
