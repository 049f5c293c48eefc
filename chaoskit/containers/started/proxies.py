"""The links of a run as they really are: which proxies Toxiproxy has, in step with their providers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from chaoskit.clock import Clock
from chaoskit.containers.engine.client import Containers
from chaoskit.containers.engine.cuts import Cuts
from chaoskit.containers.engine.sockets import Sockets
from chaoskit.containers.started import usage
from chaoskit.containers.started.doors import Doors
from chaoskit.containers.started.switching import SwitchedWiring
from chaoskit.errors import ChaoskitError, RuntimeFailure
from chaoskit.interpose import Interposed, Placed
from chaoskit.runtime import Cut
from chaoskit.system import HARNESS, Link
from chaoskit.toxiproxy import Toxiproxies

TOXIPROXY_DEADLINE = 10.0
"""Seconds within which a Toxiproxy that has started answers."""
SWITCH_DEADLINE = 6.0
"""Seconds within which a proxy is switched, or the call has failed."""


class Proxies:
    """Every change of a proxy goes through here; may be used from several threads at a time.

    Args:
        containers: those of the run.
        interposed: the rewritten system; its proxies are all disabled to begin with.
        clock: the clock of the run.
    """

    def __init__(self, containers: Containers, interposed: Interposed, clock: Clock) -> None:
        self.toxiproxies = Toxiproxies(clock=clock)
        self.cuts = Cuts(
            containers.client, containers.run_id, self.toxiproxies, containers.id, listens=self._listens
        )
        self.doors = Doors(containers, interposed)
        self._containers = containers
        self._interposed = interposed
        self._wiring = SwitchedWiring(interposed.placed, interposed.routes)
        self._lock = threading.RLock()  # never held while a cut is made or a proxy is switched
        self._up: set[str] = set()
        self._sockets: dict[str, Sockets | None] = {}
        self._cut: set[Link] = set()
        self._doomed: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="chaoskit-switch")
        self._switching: dict[Link, Future[None]] = {}
        self.failure: ChaoskitError | None = None
        """Why the last switching failed, until the next one succeeds."""
        components = {each.name for each in interposed.components}
        # An external host is never seen: it counts as listening.
        self._external = self._wiring.providers - components

    # In step with the providers: called by the watcher.

    def started(self, toxiproxy: str) -> None:
        """A Toxiproxy runs: find its API, wait until it answers, catch up on what it missed."""
        with self._lock:
            self.doors.read(toxiproxy)
            self.toxiproxies.add_server(toxiproxy, *self.doors.api(toxiproxy))
            self.toxiproxies.wait_for(toxiproxy, TOXIPROXY_DEADLINE)
            self._up.add(toxiproxy)
            for provider in self._external:
                self.follow(provider, Sockets(self._wiring.ports(provider)))

    def stopped(self, toxiproxy: str) -> None:
        """A Toxiproxy is down: its proxies are left alone until it runs again."""
        with self._lock:
            self._up.discard(toxiproxy)

    def follow(self, provider: str, sockets: Sockets | None) -> None:
        """Bring a provider's proxies in step with its sockets; ``None`` while it is down.

        Links that are cut on purpose are left as they are. The switching itself is done by other
        threads: Toxiproxy answers a call to disable a proxy only when the dial that it is at has
        ended, which takes three seconds if the provider has just vanished. Whatever fails is tried
        again at the next call.
        """
        with self._lock:
            sockets = None if provider in self._doomed else sockets
            self._sockets[provider] = sockets
            for placed in self._wiring.found(provider, sockets) if sockets else ():
                if placed.toxiproxy in self._up:
                    self._create(placed, enabled=True)
            for placed, enabled in self._wiring.changes(provider, sockets):
                idle = placed.link not in self._switching and placed.link not in self._cut
                if idle and placed.toxiproxy in self._up:
                    self._switching[placed.link] = self._pool.submit(self._switch, placed, enabled)

    def _switch(self, placed: Placed, enabled: bool) -> None:
        done = False
        try:
            if enabled:
                done = self.cuts.enable(placed)
            else:
                self.toxiproxies.disable(placed.toxiproxy, placed.link.proxy)
                done = True
            self.failure = None
        except ChaoskitError as error:
            self.failure = error
        finally:
            with self._lock:
                del self._switching[placed.link]
                # A call that ran into its deadline may still be carried out: then nothing is known.
                self._wiring.enabled[placed.link] = enabled if done else None

    @contextmanager
    def doomed(self, provider: str) -> Iterator[None]:
        """Its links are refused from now on, before it is killed.

        Disabled after it has vanished, a proxy may be dialling nobody, and Toxiproxy answers only
        when that has failed: three to nine seconds later.
        """
        with self._lock:
            self._doomed.add(provider)
            self.follow(provider, None)
        self.wait_provider_switched(provider)
        try:
            yield
        finally:
            with self._lock:
                self._doomed.discard(provider)

    def out_of_step(self, provider: str) -> tuple[Link, ...]:
        """The links whose proxies, as read back, are not as the provider is; those that are cut are
        as they should be.

        Raises:
            ToxiproxyFailure: one does not answer.
        """
        with self._lock:
            mine = [each for each in self._wiring.placed.values() if each.link.provider == provider]
            mine = [each for each in mine if each.link not in self._cut and each.toxiproxy in self._up]
        seen = {name: self.toxiproxies.proxies(name) for name in {each.toxiproxy for each in mine}}
        wrong = [
            each.link for each in mine if seen[each.toxiproxy][each.link.proxy].enabled != self._listens(each)
        ]
        with self._lock:
            for link in wrong:
                self._wiring.enabled[link] = None  # so that the watcher sees to it
        return tuple(wrong)

    def wait_switched(self, *links: Link, timeout: float = SWITCH_DEADLINE) -> None:
        """Wait until nothing is being switched any more on these links, at most ``timeout`` seconds."""
        with self._lock:
            under_way = [self._switching[link] for link in links if link in self._switching]
        wait(under_way, timeout)

    def wait_provider_switched(self, provider: str) -> None:
        """The same for all links of a provider."""
        self.wait_switched(*(link for link in self.links() if link.provider == provider))

    def close(self) -> None:
        """End the threads; proxies stay as they are."""
        self._pool.shutdown(cancel_futures=True)

    def _create(self, placed: Placed, *, enabled: bool) -> None:
        self.toxiproxies.create(
            placed.toxiproxy,
            placed.link.proxy,
            listen=placed.listen,
            upstream=placed.upstream,
            enabled=enabled,
        )
        self._wiring.add(placed, enabled=enabled)

    def listening(self, provider: str) -> frozenset[int]:
        """The ports that it was last seen to listen on."""
        with self._lock:
            sockets = self._sockets.get(provider)
            return sockets.listening if sockets else frozenset()

    def reachable(self, provider: str) -> frozenset[int]:
        """Those of them whose proxies are in step, so that every consumer gets through."""
        with self._lock:
            behind = self._wiring.changes(provider, self._sockets.get(provider))
            return self.listening(provider) - {placed.link.port for placed, _ in behind}

    def _listens(self, placed: Placed) -> bool:
        return placed.link.port in self.listening(placed.link.provider)

    def links(self) -> tuple[Link, ...]:
        """All that are known by now."""
        with self._lock:
            return tuple(self._wiring.placed)

    def placed(self, link: Link) -> Placed:
        """Where a link's proxy is.

        Raises:
            RuntimeFailure: there is no such link.
        """
        with self._lock:
            found = self._wiring.placed.get(link)
        if found is None:
            there = ", ".join(each.name for each in self.links() if each.consumer != HARNESS)
            raise RuntimeFailure(
                f"there is no link {link.name}",
                evidence=f"there are {there or 'none'}",
                remedy="chaoskit plan shows the links",
            )
        return found

    def link(self, proxy: str) -> Link:
        """The link whose proxy has this name.

        Raises:
            RuntimeFailure: there is none.
        """
        for link in self.links():
            if link.proxy == proxy:
                return link
        raise RuntimeFailure(f"no link has a proxy called {proxy!r}")

    def used(self) -> tuple[Link, ...]:
        """The links that carried a byte, or have a connection open now.

        Raises:
            ToxiproxyFailure: a Toxiproxy does not answer.
        """
        carried: set[tuple[str, str]] = set()
        for toxiproxy in self._interposed.toxiproxies:
            pid = (self._containers.inspect(toxiproxy).get("State") or {}).get("Pid") or 0
            carried |= {(toxiproxy, each) for each in usage.of_toxiproxy(*self.doors.api(toxiproxy), pid)}
        with self._lock:
            everything = list(self._wiring.placed.values())
        return tuple(
            each.link
            for each in everything
            if carried & {(each.toxiproxy, each.link.proxy), (each.toxiproxy, each.listen)}
        )

    def ports(self, provider: str) -> tuple[int, ...]:
        """The ports that it is known to serve, declared or seen."""
        with self._lock:
            return tuple(sorted(self._wiring.ports(provider) | self.reachable(provider)))

    def warnings(self) -> tuple[str, ...]:
        """What could not be done as it is without chaoskit."""
        with self._lock:
            return (*self._interposed.warnings, *self._wiring.warnings)

    def cut(self, link: Link, how: Cut) -> None:
        """Make a link dead, and leave it so whatever its provider does."""
        placed = self.placed(link)
        with self._lock:
            self._cut.add(link)
        self.wait_switched(link)
        self.cuts.cut(placed, how)

    def mend(self, link: Link) -> None:
        """Take back a cut, and bring the link in step again."""
        placed = self.placed(link)
        self.cuts.mend(placed)
        with self._lock:
            self._cut.discard(link)
            self._wiring.enabled[link] = None
            if link.provider in self._sockets:
                self.follow(link.provider, self._sockets[link.provider])
        self.wait_switched(link)

    def active_cuts(self) -> Mapping[Link, Cut]:
        """The links that are cut, as read back."""
        with self._lock:
            return self.cuts.active(self._wiring.placed.values())

    def address(self, component: str, port: int) -> tuple[str, int]:
        """Where the harness reaches a port; one that nobody declared gets a proxy now.

        Raises:
            RuntimeFailure: no published port is left for it.
        """
        with self._lock:
            if self.doors.harness(component, port) is None:
                self._add_harness_link(component, port)
        self.wait_switched(Link(HARNESS, component, port))
        known = self.doors.harness(component, port)
        assert known is not None
        return self.doors.published(*known)

    def _add_harness_link(self, component: str, port: int) -> None:
        for route in self._wiring.routes(component):
            spare = self.doors.take_spare(route, port) if route.consumer == HARNESS else None
            if spare is not None:
                listen, upstream = f"{route.listen_host}:{spare}", f"{route.upstream_host}:{port}"
                link = Link(HARNESS, component, port)
                self._create(Placed(link, route.toxiproxy, listen, upstream), enabled=False)
                self.follow(component, self._sockets.get(component))
                return
        raise RuntimeFailure(
            f"the harness has no way to port {port} of {component}",
            evidence=f"known ports: {', '.join(map(str, self.ports(component))) or 'none'}",
            remedy=f"name the port under expose: of {component} in the compose file",
        )
