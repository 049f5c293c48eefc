"""The thread that keeps each proxy in step with whether its provider listens.

Two sources: the engine's events say at once that a container started or died; the kernel's table
of sockets, read every few hundredths of a second while something is moving, says when it listens.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from chaoskit.errors import ChaoskitError
from chaoskit.interpose import Placed
from chaoskit.runtime.engine import ENGINE_ERRORS, Containers
from chaoskit.runtime.events import Events
from chaoskit.runtime.listening import Reader, Sockets, of_output, of_process
from chaoskit.runtime.wiring import Wiring
from chaoskit.system import Link

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
        reader: reads its sockets; ``None`` while it is down.
        sockets: the last reading; ``None`` while it is down.
        served: the ports with a proxy that it has ever listened on.
        changes: how many events there were: whoever remembers something can see that it is old.
        moved_at, read_at: when the last event came, and the last reading.
        pause: seconds between two readings, at least.
    """

    reader: Reader | None = None
    sockets: Sockets | None = None
    served: set[int] = field(default_factory=set)
    changes: int = 0
    moved_at: float = 0.0
    read_at: float = 0.0
    pause: float = 0.0

    def due(self, now: float) -> bool:
        """Whether it is time to read its sockets."""
        if self.reader is None:
            return False
        listening = self.sockets.listening if self.sockets else frozenset()
        moving = now - self.moved_at < MOVING or not self.served <= listening
        return now - self.read_at >= max(TICK if moving else CALM, self.pause) * 0.9


class Switchboard(Protocol):
    """What the watcher asks for; the runtime does it."""

    def toxiproxy_started(self, name: str) -> None:
        """A Toxiproxy has started: find its API, and return when it answers."""
        ...

    def create(self, placed: Placed) -> None:
        """Create an enabled proxy."""
        ...

    def switch(self, placed: Placed, enabled: bool) -> None:
        """Enable or disable a proxy."""
        ...

    def held(self, link: Link) -> bool:
        """Whether the link is cut on purpose, so that its proxy is not the watcher's to switch."""
        ...


class Watcher:
    """Watches the containers of a run from :meth:`start` to :meth:`stop`.

    Args:
        containers: those of the run.
        wiring: the proxies; guarded by :attr:`lock` from now on.
        switchboard: does what has to be done; called with :attr:`lock` held.
        components, toxiproxies: their names.
        external: providers that are no components and count as listening always.
    """

    def __init__(
        self,
        containers: Containers,
        wiring: Wiring,
        switchboard: Switchboard,
        *,
        components: Iterable[str],
        toxiproxies: Iterable[str],
        external: Iterable[str] = (),
    ) -> None:
        self.lock = threading.RLock()
        self.failure: ChaoskitError | None = None
        self._containers = containers
        self._wiring = wiring
        self._switchboard = switchboard
        self._components, self._toxiproxies = frozenset(components), frozenset(toxiproxies)
        self._up: set[str] = set()
        self._seen = {name: Watched(sockets=Sockets(wiring.ports(name))) for name in external}
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

    def refresh(self, component: str) -> None:
        """Something was done to this component: when this returns its proxies are in step again."""
        with self.lock:
            self._on_event(component)
            self._look(component, self._seen[component], time.monotonic())

    def adjust(self, component: str) -> None:
        """Bring the component's proxies in step with the last reading."""
        with self.lock:
            if component in self._seen:
                self._adjust(component, self._seen[component].sockets)

    def changes(self, component: str) -> int:
        """How many events of the component were seen."""
        with self.lock:
            return self._seen[component].changes if component in self._seen else 0

    def listening(self, component: str) -> frozenset[int]:
        """The ports that the component listens on, at the last reading."""
        with self.lock:
            watched = self._seen.get(component)
            return watched.sockets.listening if watched and watched.sockets else frozenset()

    def serving(self, component: str) -> frozenset[int]:
        """The ports that the component listens on and that its consumers reach, at the last reading."""
        with self.lock:
            watched = self._seen.get(component)
            if watched is None or watched.sockets is None:
                return frozenset()
            behind = {placed.link.port for placed, _ in self._wiring.changes(component, watched.sockets)}
            return watched.sockets.listening - behind

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
                    with self.lock:
                        self._on_event(name)
                for name, watched in list(self._seen.items()):
                    with self.lock:
                        self._look(name, watched, time.monotonic())
                self.failure = None
            except ChaoskitError as error:
                self.failure = error  # tried again at the next turn; readiness reports it

    def _on_event(self, name: str) -> None:
        """Look anew at a container: what exactly happened does not matter, what is now does."""
        inspected = self._containers.inspect(name).get("State") or {}
        pid = int(inspected.get("Pid") or 0)
        if name in self._toxiproxies:
            self._up.discard(name)
            if pid:
                self._switchboard.toxiproxy_started(name)
                self._up.add(name)
            return
        if name not in self._components:
            return
        watched = self._seen.setdefault(name, Watched())
        watched.changes += 1
        watched.moved_at, watched.read_at, watched.pause = time.monotonic(), 0.0, 0.0
        watched.reader, watched.sockets = None, None
        if pid:
            watched.reader = of_process(pid, self._containers.id(name))
            if watched.reader is None:
                watched.reader, watched.pause = self._by_exec(name, watched), EXEC_PAUSE

    def _look(self, name: str, watched: Watched, now: float) -> None:
        """Read a component's sockets if that is due, and bring its proxies in step."""
        if watched.reader is not None and watched.due(now):
            watched.sockets, watched.read_at = watched.reader(), now
            if watched.sockets:
                watched.served |= watched.sockets.listening & self._wiring.ports(name)
        self._adjust(name, watched.sockets)

    def _adjust(self, name: str, sockets: Sockets | None) -> None:
        for placed in self._wiring.found(name, sockets) if sockets else ():
            if placed.toxiproxy in self._up:
                self._switchboard.create(placed)
                self._wiring.add(placed, enabled=True)
        for placed, enabled in self._wiring.changes(name, sockets):
            if placed.toxiproxy in self._up and not self._switchboard.held(placed.link):
                self._switchboard.switch(placed, enabled)
                self._wiring.enabled[placed.link] = enabled

    def _by_exec(self, name: str, watched: Watched) -> Reader:
        """A reader for an engine whose processes are not to be seen from here."""
        api, container = self._containers.client.api, self._containers.id(name)

        def read() -> Sockets | None:
            try:
                execution = api.exec_create(container, ["cat", "/proc/net/tcp", "/proc/net/tcp6"])["Id"]
                output: bytes = api.exec_start(execution)
            except ENGINE_ERRORS:
                return watched.sockets  # paused, or between two starts: the next event says so
            if b"local_address" in output:
                return of_output(output.decode(errors="replace"))
            # No cat in the image, so nothing can be known: what is declared counts as listening.
            return Sockets(self._wiring.ports(name))

        return read
