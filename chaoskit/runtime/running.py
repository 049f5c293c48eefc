"""A run on the engine: what belongs to it from its first container to its last."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chaoskit.clock import Clock
from chaoskit.errors import ChaoskitError, RuntimeFailure
from chaoskit.interpose import API_PORT, Interposed, Placed
from chaoskit.runtime import Cut, State, ready
from chaoskit.runtime.cuts import Cuts
from chaoskit.runtime.engine import Containers, connect, state_of
from chaoskit.runtime.leftovers import remove_run
from chaoskit.runtime.lifecycle import Lifecycle
from chaoskit.runtime.reaper import Reaper
from chaoskit.runtime.up import Up
from chaoskit.runtime.watch import Watcher
from chaoskit.runtime.wiring import Wiring
from chaoskit.system import HARNESS, Link
from chaoskit.toxiproxy import Toxiproxies

CLOSE_DEADLINE = 60.0
"""Seconds within which everything of a run is removed."""
TOXIPROXY_DEADLINE = 10.0
"""Seconds within which a Toxiproxy that has started answers."""
GRACE = 5.0
"""Seconds for which a component that serves already is waited for to listen on its other ports."""
STALE = 0.5
"""Seconds for which the engine's word on a component holds unless an event comes."""


class Running:
    """A run. The watcher asks it to switch proxies: it is the watcher's switchboard.

    Args:
        run_id: its label.
        clock: its clock.
        progress: takes a line whenever something that takes time begins.
    """

    interposed: Interposed
    wiring: Wiring
    watcher: Watcher

    def __init__(self, run_id: str, clock: Clock, progress: Callable[[str], None]) -> None:
        self.run_id = run_id
        self.clock = clock
        self.progress = progress
        self.client = connect()
        self.reaper: Reaper | None = None
        self.up: Up | None = None
        self.containers = Containers(self.client, run_id)
        self.lifecycle = Lifecycle(self.containers, clock)
        self.toxiproxies = Toxiproxies(clock=clock)
        self.cuts = Cuts(self.client, run_id, self.toxiproxies, self.containers.id, listens=self._listens)
        self.expected: dict[str, frozenset[int]] = {}
        self._harness: dict[tuple[str, int], tuple[str, int]] = {}
        self._spares: dict[str, list[int]] = {}
        self._published: dict[tuple[str, int], int] = {}
        self._cut: set[Link] = set()
        self._watching = False
        self._served_since: dict[str, float] = {}
        self._unserved: dict[str, frozenset[int]] = {}

    def watch(self, interposed: Interposed, expected: dict[str, frozenset[int]]) -> None:
        """Take what is about to be started, and begin to watch it.

        Args:
            interposed: the rewritten system.
            expected: component → the ports without which it is not ready.
        """
        self.interposed, self.expected = interposed, expected
        self.wiring = Wiring(interposed.placed, interposed.routes)
        self._harness = dict(interposed.harness)
        self._spares = {name: list(ports) for name, ports in interposed.spares.items()}
        components = {each.name for each in interposed.components}
        self.watcher = Watcher(
            self.containers,
            self.wiring,
            self,
            components=components,
            toxiproxies=interposed.toxiproxies,
            external=self.wiring.providers - components,
        )
        self.watcher.start()
        self._watching = True

    def spawned(self, pid: int) -> None:
        """Compose runs as this process: it ends with us, and with the run."""
        if self.up is not None:
            self.up.spawned(pid)
        if self.reaper is not None:
            self.reaper.register(pid)

    def clear(self) -> None:
        """Remove everything from the engine, Compose first so that it makes nothing new."""
        self._stop()
        remove_run(self.client, self.run_id, deadline=CLOSE_DEADLINE)

    def close(self, *, keep: bool) -> None:
        """Remove everything, or leave the system as it is for ``keep``.

        Raises:
            RuntimeFailure: something could not be removed; the reaper tries again when we end.
        """
        if keep:
            self._stop()
            self.progress(f"chaoskit-{self.run_id} is left running; chaoskit clean removes it")
        else:
            self.clear()
        if self.reaper is not None:
            self.reaper.goodbye()
        self.client.close()

    def _stop(self) -> None:
        if self.up is not None:
            self.up.end()
        if self._watching:
            self.watcher.stop()
            self._watching = False

    # Links.

    def links(self) -> tuple[Link, ...]:
        """All links that are known by now."""
        with self.watcher.lock:
            return tuple(self.wiring.placed)

    def placed(self, link: Link) -> Placed:
        """Where a link's proxy is."""
        with self.watcher.lock:
            found = self.wiring.placed.get(link)
        if found is None:
            raise RuntimeFailure(
                f"there is no link {link.name}",
                evidence="there are "
                + ", ".join(each.name for each in self.links() if each.consumer != HARNESS),
                remedy="chaoskit plan shows the links",
            )
        return found

    def link(self, proxy: str) -> Link:
        """The link whose proxy has this name."""
        for link in self.links():
            if link.proxy == proxy:
                return link
        raise RuntimeFailure(f"there is no proxy {proxy}")

    def cut(self, link: Link, how: Cut) -> None:
        """Make a link dead; the watcher leaves it alone from now on."""
        placed = self.placed(link)
        with self.watcher.lock:
            self._cut.add(link)
            self.cuts.cut(placed, how)

    def mend(self, link: Link) -> None:
        """Take back a cut, and give the link back to the watcher."""
        placed = self.placed(link)
        with self.watcher.lock:
            self.cuts.mend(placed)
            self._cut.discard(link)
            self.wiring.enabled[link] = None
            self.watcher.adjust(link.provider)

    def used(self) -> tuple[Link, ...]:
        """The links that ever had a connection."""
        return self.links()

    def published(self, toxiproxy: str, port: int) -> tuple[str, int]:
        """Where this machine reaches a container port that a Toxiproxy publishes."""
        if (toxiproxy, port) not in self._published:
            self._read_ports(toxiproxy)
        return "127.0.0.1", self._published[toxiproxy, port]

    def _read_ports(self, toxiproxy: str) -> None:
        told = (self.containers.inspect(toxiproxy).get("NetworkSettings") or {}).get("Ports") or {}
        for name, bindings in told.items():
            if bindings:
                self._published[toxiproxy, int(name.partition("/")[0])] = int(bindings[0]["HostPort"])

    def address(self, component: str, port: int) -> tuple[str, int]:
        """Where the harness reaches a port; a port that nobody declared gets a proxy now."""
        with self.watcher.lock:
            if (component, port) not in self._harness:
                self._harness[component, port] = self._new_harness_link(component, port)
            return self.published(*self._harness[component, port])

    def _new_harness_link(self, component: str, port: int) -> tuple[str, int]:
        for route in self.wiring.routes(component):
            if route.consumer == HARNESS and self._spares.get(route.toxiproxy):
                spare = self._spares[route.toxiproxy].pop(0)
                link = Link(HARNESS, component, port)
                upstream = f"{route.upstream_host}:{port}"
                placed = Placed(link, route.toxiproxy, f"{route.listen_host}:{spare}", upstream)
                self.toxiproxies.create(
                    placed.toxiproxy, link.proxy, listen=placed.listen, upstream=upstream, enabled=False
                )
                self.wiring.add(placed, enabled=False)
                self.watcher.adjust(component)
                return route.toxiproxy, spare
        raise RuntimeFailure(
            f"the harness has no way to port {port} of {component}",
            evidence=f"it is known to serve {', '.join(map(str, self.ports(component))) or 'no port'}",
            remedy=f"name the port under expose: of {component} in the compose file",
        )

    def ports(self, component: str) -> tuple[int, ...]:
        """The ports that the component is known to serve."""
        with self.watcher.lock:
            return tuple(sorted(self.wiring.ports(component) | self.watcher.serving(component)))

    def warnings(self) -> tuple[str, ...]:
        """What the rewrite and the watcher have to say."""
        with self.watcher.lock:
            unserved = (
                f"{name} declares port {port} and did not listen on it when it was ready"
                for name, ports in sorted(self._unserved.items())
                for port in sorted(ports - self.watcher.listening(name))
            )
            return (*self.interposed.warnings, *self.wiring.warnings, *unserved)

    # The watcher's switchboard.

    def toxiproxy_started(self, name: str) -> None:
        """Find its API, wait until it answers."""
        self._read_ports(name)
        self.toxiproxies.add_server(name, *self.published(name, API_PORT))
        self.toxiproxies.wait_for(name, TOXIPROXY_DEADLINE)

    def create(self, placed: Placed) -> None:
        """Create an enabled proxy."""
        self.toxiproxies.create(
            placed.toxiproxy, placed.link.proxy, listen=placed.listen, upstream=placed.upstream, enabled=True
        )

    def switch(self, placed: Placed, enabled: bool) -> None:
        """Enable or disable a proxy."""
        if enabled:
            self.cuts.enable(placed)
        else:
            self.toxiproxies.disable(placed.toxiproxy, placed.link.proxy)

    def held(self, link: Link) -> bool:
        """Whether a fault has cut the link."""
        return link in self._cut

    def _listens(self, placed: Placed) -> bool:
        return placed.link.port in self.watcher.listening(placed.link.provider)

    # Readiness.

    def wait_ready(self, components: Sequence[str] | None, timeout: float) -> None:
        """Wait until the components serve; Compose's own failure ends the wait."""
        names = [each.name for each in self.interposed.components] if components is None else list(components)
        seen: dict[str, tuple[int, float, ready.Look]] = {}

        def look() -> dict[str, ready.Look]:
            return {name: self._look(name, seen) for name in names}

        ready.wait(look, self.clock, timeout, self._evidence, interrupted=self._check_up)

    def _check_up(self) -> None:
        if self.up is not None:
            self.up.check()

    def _look(self, name: str, seen: dict[str, tuple[int, float, ready.Look]]) -> ready.Look:
        """The engine's word, asked for again when an event came; the ports as the watcher sees them."""
        changes, now = self.watcher.changes(name), self.clock.now()
        known = seen.get(name)
        if known is None or known[0] != changes or now - known[1] > STALE:
            inspected = self.containers.inspect(name)
            policy = ((inspected.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or "no"
            known = (changes, now, ready.Look(state_of(inspected), policy))
            seen[name] = known
        return ready.Look(known[2].state, known[2].restart, tuple(sorted(self._absent(name, known[2].state))))

    def _absent(self, name: str, state: State) -> frozenset[int]:
        """The expected ports that do not listen yet.

        People publish ports that nothing listens on (a debugger's), so once a component serves
        some of its ports, or is healthy by its own health check, the others have a while only.
        """
        expected, serving = self.expected.get(name, frozenset()), self.watcher.serving(name)
        absent, now = expected - serving, self.clock.now()
        if not absent or not (expected & serving or state.health == "healthy"):
            self._served_since.pop(name, None)
            return absent
        if now - self._served_since.setdefault(name, now) < GRACE:
            return absent
        self._unserved[name] = absent
        return frozenset()

    def _evidence(self, name: str) -> str:
        lines = []
        health = ((self.containers.inspect(name).get("State") or {}).get("Health") or {}).get("Log") or ()
        if health:
            lines.append(f"its last health check said (exit code {health[-1]['ExitCode']}):")
            lines += [f"  {line}" for line in str(health[-1]["Output"]).splitlines()[-5:]]
        try:
            output = self.lifecycle.logs(name, 10)
        except ChaoskitError as error:
            output = error.what
        lines.append("its last output:" if output else "it has printed nothing")
        lines += [f"  {line}" for line in output.splitlines()]
        if self.watcher.failure is not None:
            lines.append(f"chaoskit's watcher cannot keep the links in step: {self.watcher.failure.what}")
        return "\n".join(lines)
