"""The thread that keeps each proxy in step with whether its provider listens.

Two sources: the engine's events say at once that a container started or died; the kernel's table
of sockets, read every few hundredths of a second while something is moving, says when it listens.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from chaoskit.errors import ChaoskitError
from chaoskit.runtime.engine import ENGINE_ERRORS, Containers
from chaoskit.runtime.events import Events
from chaoskit.runtime.listening import Reader, Sockets, of_output, of_process
from chaoskit.runtime.proxies import Proxies

TICK = 0.04
"""Seconds between two readings of a component that is moving."""
CALM = 0.25
"""Seconds between two readings of the others."""
MOVING = 10.0
"""Seconds after an event for which a component counts as moving."""
EXEC_PAUSE = 0.5
"""Seconds between two readings where each is a command inside the component."""


@dataclass(slots=True)
class Watched:
    """What the watcher knows of a component.

    Attributes:
        inspected: what the engine said of it after the last event.
        reader: reads its sockets; ``None`` while it is down.
        sockets: the last reading; ``None`` while it is down.
        served: the ports that it has ever listened on.
        moved_at, read_at: when the last event came, and the last reading.
        pause: seconds between two readings, at least.
    """

    inspected: Mapping[str, Any] = field(default_factory=dict)
    reader: Reader | None = None
    sockets: Sockets | None = None
    served: frozenset[int] = frozenset()
    moved_at: float = 0.0
    read_at: float = 0.0
    pause: float = 0.0

    def due(self, now: float) -> bool:
        """Whether it is time to read its sockets.

        Often while it is moving, and as long as it does not listen where it has listened before.
        """
        if self.reader is None:
            return False
        listening = self.sockets.listening if self.sockets else frozenset()
        moving = now - self.moved_at < MOVING or not self.served <= listening
        return now - self.read_at >= max(TICK if moving else CALM, self.pause) * 0.9


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
        self._seen = {name: Watched() for name in components}
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
        self._proxies.settle_provider(component)
        return inspected

    def inspected(self, component: str) -> Mapping[str, Any]:
        """What the engine said of the component when something last happened to it."""
        with self._lock:
            return self._seen[component].inspected

    def _run(self) -> None:
        while True:
            now = time.monotonic()
            moving = any(now - each.moved_at < MOVING for each in self._seen.values())
            woken: dict[str, None] = {}
            with suppress(queue.Empty):
                woken[self._woken.get(timeout=TICK if moving else CALM)] = None
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
            watched.moved_at, watched.read_at, watched.pause = time.monotonic(), 0.0, 0.0
            watched.reader, watched.sockets = None, None
            if pid:
                watched.reader = of_process(pid, inspected["Id"])
                if watched.reader is None:
                    watched.reader, watched.pause = self._by_exec(name, watched), EXEC_PAUSE

    def _look(self, name: str, watched: Watched) -> None:
        """Read a component's sockets if that is due, and have its proxies follow."""
        with self._lock:
            now = time.monotonic()
            if watched.reader is not None and watched.due(now):
                watched.sockets, watched.read_at = watched.reader(watched.served), now
                if watched.sockets:
                    watched.served |= watched.sockets.listening
            self._proxies.follow(name, watched.sockets)

    def _by_exec(self, name: str, watched: Watched) -> Reader:
        """A reader for an engine whose processes are not to be seen from here."""
        api, container = self._containers.client.api, self._containers.id(name)

        def read(served: frozenset[int]) -> Sockets | None:
            try:
                execution = api.exec_create(container, ["cat", "/proc/net/tcp", "/proc/net/tcp6"])["Id"]
                output: bytes = api.exec_start(execution)
            except ENGINE_ERRORS:
                return watched.sockets  # paused, or between two starts: the next event says so
            if b"local_address" in output:
                return of_output(output.decode(errors="replace"))
            # No cat in the image, so nothing can be known: what is declared counts as listening.
            return Sockets(frozenset(self._proxies.ports(name)))

        return read
