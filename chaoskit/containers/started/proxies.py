"""The links of a run as Toxiproxy has them now, each proxy kept in step with its provider."""

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
from chaoskit.containers.started.enabling import ProxySwitches
from chaoskit.containers.started.published_ports import PublishedPorts
from chaoskit.errors import ChaoskitError, RuntimeFailure
from chaoskit.interpose import Interposed, Placed
from chaoskit.runtime import Cut
from chaoskit.system import HARNESS, Link
from chaoskit.toxiproxy import Toxiproxies

TOXIPROXY_DEADLINE = 10.0
"""Seconds within which a started Toxiproxy must answer."""
SWITCH_DEADLINE = 6.0
"""Seconds after which a call to switch a proxy has either worked or failed."""


class Proxies:
    """Makes every change of a proxy; safe to use from several threads.

    Args:
        containers: the run's containers.
        interposed: the rewritten system, whose proxies all start disabled.
        clock: the run's clock.
    """

    def __init__(self, containers: Containers, interposed: Interposed, clock: Clock) -> None:
        self.toxiproxies = Toxiproxies(clock=clock)
        self.cuts = Cuts(
            containers.client, containers.run_id, self.toxiproxies, containers.id, listens=self._listens
        )
        self.published = PublishedPorts(containers, interposed)
        self._containers = containers
        self._interposed = interposed
        self._switches = ProxySwitches(interposed.placed, interposed.routes)
        # This lock is never held while a cut is made or a proxy is switched.
        self._lock = threading.RLock()
        self._up: set[str] = set()
        self._sockets: dict[str, Sockets | None] = {}
        self._cut: set[Link] = set()
        self._doomed: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="chaoskit-switch")
        self._switching: dict[Link, Future[None]] = {}
        self.failure: ChaoskitError | None = None
        """The error of the last switch, until a later one succeeds."""
        components = {each.name for each in interposed.components}
        # Nothing can watch an external host, so it counts as listening.
        self._external = self._switches.providers - components

    # The watcher calls these to keep the proxies in step with their providers.

    def started(self, toxiproxy: str) -> None:
        """A Toxiproxy runs: find its API, wait for its answer, and make the switches that it missed."""
        with self._lock:
            self.published.read(toxiproxy)
            self.toxiproxies.add_server(toxiproxy, *self.published.api(toxiproxy))
            self.toxiproxies.wait_for(toxiproxy, TOXIPROXY_DEADLINE)
            self._up.add(toxiproxy)
            for provider in self._external:
                self.follow(provider, Sockets(self._switches.ports(provider)))

    def stopped(self, toxiproxy: str) -> None:
        """A Toxiproxy is down: leave its proxies alone until it runs again."""
        with self._lock:
            self._up.discard(toxiproxy)

    def follow(self, provider: str, sockets: Sockets | None) -> None:
        """Bring a provider's proxies in step with its sockets, which are ``None`` while it is down.

        Links that are cut on purpose stay as they are. Other threads make the switches: Toxiproxy
        answers a call to disable a proxy only when that proxy's current dial has ended, which takes
        three seconds if the provider has just vanished. The next call retries a switch that failed.
        """
        with self._lock:
            sockets = None if provider in self._doomed else sockets
            self._sockets[provider] = sockets
            for placed in self._switches.new_proxies(provider, sockets) if sockets else ():
                if placed.toxiproxy in self._up:
                    self._create(placed, enabled=True)
            for placed, enabled in self._switches.changes(provider, sockets):
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
                # Toxiproxy may still carry out a call that timed out, so the state is unknown then.
                self._switches.enabled[placed.link] = enabled if done else None

    @contextmanager
    def doomed(self, provider: str) -> Iterator[None]:
        """Refuse a provider's links from now on, before it is killed.

        If a proxy were disabled after its provider vanished, it might be dialling an address that
        does not answer. Toxiproxy would then answer only when that dial has failed, three to nine
        seconds later.
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
        """The links of a provider whose proxies, as read back, do not match whether it listens.

        Links that are cut on purpose are left out.

        Raises:
            ToxiproxyFailure: a Toxiproxy does not answer.
        """
        with self._lock:
            mine = [each for each in self._switches.placed.values() if each.link.provider == provider]
            mine = [each for each in mine if each.link not in self._cut and each.toxiproxy in self._up]
        seen = {name: self.toxiproxies.proxies(name) for name in {each.toxiproxy for each in mine}}
        wrong = [
            each.link for each in mine if seen[each.toxiproxy][each.link.proxy].enabled != self._listens(each)
        ]
        with self._lock:
            for link in wrong:
                self._switches.enabled[link] = None  # makes the watcher switch it
        return tuple(wrong)

    def wait_switched(self, *links: Link, timeout: float = SWITCH_DEADLINE) -> None:
        """Wait, for at most ``timeout`` seconds, until no switch of these links is under way."""
        with self._lock:
            under_way = [self._switching[link] for link in links if link in self._switching]
        wait(under_way, timeout)

    def wait_provider_switched(self, provider: str) -> None:
        """Wait until no switch of a provider's links is under way."""
        self.wait_switched(*(link for link in self.links() if link.provider == provider))

    def close(self) -> None:
        """End the threads; the proxies stay as they are."""
        self._pool.shutdown(cancel_futures=True)

    def _create(self, placed: Placed, *, enabled: bool) -> None:
        self.toxiproxies.create(
            placed.toxiproxy,
            placed.link.proxy,
            listen=placed.listen,
            upstream=placed.upstream,
            enabled=enabled,
        )
        self._switches.add(placed, enabled=enabled)

    def listening(self, provider: str) -> frozenset[int]:
        """The ports on which a provider listened at the last look."""
        with self._lock:
            sockets = self._sockets.get(provider)
            return sockets.listening if sockets else frozenset()

    def reachable(self, provider: str) -> frozenset[int]:
        """Those of the ports in :meth:`listening` whose proxies let every consumer through."""
        with self._lock:
            behind = self._switches.changes(provider, self._sockets.get(provider))
            return self.listening(provider) - {placed.link.port for placed, _ in behind}

    def _listens(self, placed: Placed) -> bool:
        return placed.link.port in self.listening(placed.link.provider)

    def links(self) -> tuple[Link, ...]:
        """All links that are known by now."""
        with self._lock:
            return tuple(self._switches.placed)

    def placed(self, link: Link) -> Placed:
        """The place of a link's proxy.

        Raises:
            RuntimeFailure: there is no such link.
        """
        with self._lock:
            found = self._switches.placed.get(link)
        if found is None:
            known = ", ".join(each.name for each in self.links() if each.consumer != HARNESS)
            raise RuntimeFailure(
                f"there is no link {link.name}",
                evidence=f"known links: {known or 'none'}",
                remedy="chaoskit plan shows the links",
            )
        return found

    def link(self, proxy: str) -> Link:
        """The link whose proxy has this name.

        Raises:
            RuntimeFailure: no link has it.
        """
        for link in self.links():
            if link.proxy == proxy:
                return link
        raise RuntimeFailure(
            f"no link has a proxy called {proxy!r}",
            evidence=f"known proxies: {', '.join(link.proxy for link in self.links()) or 'none'}",
            remedy="chaoskit plan shows the links; an undo log fits its own run only",
        )

    def used(self) -> tuple[Link, ...]:
        """The links that carried at least one byte, or have an open connection now.

        Raises:
            ToxiproxyFailure: a Toxiproxy does not answer.
        """
        carried: set[tuple[str, str]] = set()
        for toxiproxy in self._interposed.toxiproxies:
            pid = (self._containers.inspect(toxiproxy).get("State") or {}).get("Pid") or 0
            carried |= {(toxiproxy, each) for each in usage.of_toxiproxy(*self.published.api(toxiproxy), pid)}
        with self._lock:
            everything = list(self._switches.placed.values())
        return tuple(
            each.link
            for each in everything
            if carried & {(each.toxiproxy, each.link.proxy), (each.toxiproxy, each.listen)}
        )

    def ports(self, provider: str) -> tuple[int, ...]:
        """The ports that a provider is known to serve, declared or seen."""
        with self._lock:
            return tuple(sorted(self._switches.ports(provider) | self.reachable(provider)))

    def warnings(self) -> tuple[str, ...]:
        """The differences from a run without chaoskit, each one sentence."""
        with self._lock:
            return (*self._interposed.warnings, *self._switches.warnings)

    def cut(self, link: Link, how: Cut) -> None:
        """Cut a link, and keep it cut whatever its provider does."""
        placed = self.placed(link)
        with self._lock:
            self._cut.add(link)
        self.wait_switched(link)
        self.cuts.cut(placed, how)

    def mend(self, link: Link) -> None:
        """Mend a link that was cut, and bring it in step with its provider again."""
        placed = self.placed(link)
        self.cuts.mend(placed)
        with self._lock:
            self._cut.discard(link)
            self._switches.enabled[link] = None
            if link.provider in self._sockets:
                self.follow(link.provider, self._sockets[link.provider])
        self.wait_switched(link)

    def active_cuts(self) -> Mapping[Link, Cut]:
        """The links that are cut now, as read back."""
        with self._lock:
            return self.cuts.active(self._switches.placed.values())

    def address(self, component: str, port: int) -> tuple[str, int]:
        """The address at which the harness reaches a port; an undeclared port gets its proxy now.

        Raises:
            RuntimeFailure: no spare published port is left.
        """
        with self._lock:
            if self.published.harness(component, port) is None:
                self._add_harness_link(component, port)
        self.wait_switched(Link(HARNESS, component, port))
        known = self.published.harness(component, port)
        assert known is not None
        return self.published.published(*known)

    def _add_harness_link(self, component: str, port: int) -> None:
        for route in self._switches.routes(component):
            spare = self.published.take_spare(route, port) if route.consumer == HARNESS else None
            if spare is not None:
                listen, upstream = f"{route.listen_host}:{spare}", f"{route.upstream_host}:{port}"
                link = Link(HARNESS, component, port)
                self._create(Placed(link, route.toxiproxy, listen, upstream), enabled=False)
                self.follow(component, self._sockets.get(component))
                return
        raise RuntimeFailure(
            f"the harness cannot reach port {port} of {component}",
            evidence=f"known ports: {', '.join(map(str, self.ports(component))) or 'none'}",
            remedy=f"name the port under `expose:` of {component} in the compose file",
        )
