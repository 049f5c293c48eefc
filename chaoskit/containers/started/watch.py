"""The engine's events about the containers of a run, as the names of those that something befell.

The thread that keeps each proxy in step with whether its provider listens.

Two sources: the engine's events say at once that a container started or died; the kernel's table
of sockets, read every few hundredths of a second while something is moving, says when it listens.
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
"""Seconds between two attempts to follow an engine that has closed the stream."""


class Events:
    """Follows the engine in a thread of its own.

    Args:
        containers: those of the run.
        tell: takes a component's name, from that thread; called once for each container that is
            already there, too.
    """

    def __init__(self, containers: Containers, tell: Callable[[str], None]) -> None:
        self._containers = containers
        self._tell = tell
        self._stopping = threading.Event()
        self._client: docker.DockerClient | None = None
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name="chaoskit-events", daemon=True)

    def start(self) -> None:
        """When this returns no later event can be missed.

        Raises:
            EngineUnavailable, RuntimeFailure: the engine does not let itself be followed.
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
                    # kill: a signal was sent, so it may cease to listen long before it dies.
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
"""Seconds between two looks at whether a component's sockets have changed: while any component is
moving, and else."""
HOT_PERIOD, MOVING_PERIOD = 3.0, 10.0
"""Seconds after an event for which a component may change at any moment, and may soon change."""
LONGEST_READING_INTERVAL = 5.0
"""Seconds after which its sockets are read although nothing seems to have changed."""
READING_COST_MULTIPLE = 8
"""Reading the sockets of a component takes at most one part in so many of the time."""


@dataclass(slots=True)
class WatchedComponent:
    """What the watcher knows of a component.

    Attributes:
        inspected: what the engine said of it after the last event.
        reader: reads its sockets; ``None`` while it is down.
        sockets: the last reading; ``None`` while it is down.
        served: the ports that it has ever listened on.
        moved_at, read_at: when the last event came, and the last reading.
        cost: seconds that the last reading took.
    """

    inspected: Mapping[str, Any] = field(default_factory=dict)
    reader: Reader | None = None
    sockets: Sockets | None = None
    served: frozenset[int] = frozenset()
    moved_at: float = 0.0
    read_at: float = 0.0
    cost: float = 0.0

    def patience(self, now: float) -> float:
        """Seconds between two readings if its sockets change all the time, as under traffic.

        None to speak of while it may begin or cease to listen: just started or stopped, or not
        listening where it has listened before.
        """
        listening = self.sockets.listening if self.sockets else frozenset()
        age = now - self.moved_at
        deaf = not self.served <= listening if self.served else age < MOVING_PERIOD
        return max(
            READING_COST_MULTIPLE * self.cost,
            0.0 if deaf or age < HOT_PERIOD else CALM_INTERVAL if age < MOVING_PERIOD else 4 * CALM_INTERVAL,
        )

    def due(self, now: float) -> bool:
        """Whether it is time to read its sockets."""
        if self.reader is None:
            return False
        since = now - self.read_at
        return since >= LONGEST_READING_INTERVAL or (since >= self.patience(now) and self.reader.changed())


class Watcher:
    """Watches the containers of a run from :meth:`start` to :meth:`stop`.

    Args:
        containers: those of the run.
        proxies: told of every reading.
        components, toxiproxies: their names.
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
        """Begin to watch; containers that already run are seen too."""
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
        """Ask the engine now; when this returns the component's proxies are in step with the answer.

        Returns:
            What the engine said; empty if there is no container.
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
        """Component → the lasting ports that it has ever listened on."""
        with self._lock:
            return {
                name: frozenset(port for port in each.served if port not in EPHEMERAL_PORTS)
                for name, each in self._seen.items()
            }

    def inspected(self, component: str) -> Mapping[str, Any]:
        """What the engine said of the component when something last happened to it."""
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
                self.failure = error  # tried again at the next turn; readiness reports it

    def _on_event(self, name: str) -> None:
        """Look anew at a container: what exactly happened does not matter, what is now does."""
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
            self._move_owner(inspected)
            if pid:
                known = self._proxies.ports(name)
                watched.reader = reader_of_process(pid, inspected["Id"]) or InsideReader(
                    self._containers.client, inspected["Id"], known
                )

    def _move_owner(self, inspected: Mapping[str, Any]) -> None:
        """What shares another's network (a sidecar) listens there: look at that one closely, too."""
        mode = str((inspected.get("HostConfig") or {}).get("NetworkMode"))
        for other in self._seen.values():
            if other.inspected.get("Id") and mode == f"container:{other.inspected['Id']}":
                other.moved_at, other.read_at = time.monotonic(), 0.0

    def _look(self, name: str, watched: WatchedComponent) -> None:
        """Read a component's sockets if that is due, and have its proxies follow."""
        with self._lock:
            now = time.monotonic()
            if watched.reader is not None and watched.due(now):
                watched.sockets = watched.reader.read(watched.served)
                watched.read_at, watched.cost = now, time.monotonic() - now
                if watched.sockets:
                    watched.served |= watched.sockets.listening
            self._proxies.follow(name, watched.sockets)
