"""Which proxies a run has, and which of them must be enabled: data and pure decisions.

Toxiproxy accepts a connection before it dials the provider. If a proxy were enabled while its
provider does not listen, a script that waits for the port would pass too early, and a dead provider
would look alive. So a proxy is enabled while its provider listens, and disabled while it does not.
A disabled proxy refuses connections, as the provider itself would without Toxiproxy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chaoskit.containers.engine.sockets import EPHEMERAL_PORTS, Sockets
from chaoskit.interpose import Placed, Route
from chaoskit.system import HARNESS, Link


class ProxySwitches:
    """The proxies that are known by now.

    It is not safe to use from several threads; the caller holds a lock.

    Args:
        placed: the proxies with which Toxiproxy starts, all of them disabled.
        routes: how each consumer reaches each provider, for ports that are found at run time.
    """

    def __init__(self, placed: Iterable[Placed], routes: Iterable[Route]) -> None:
        self.placed: dict[Link, Placed] = {each.link: each for each in placed}
        self.enabled: dict[Link, bool | None] = dict.fromkeys(self.placed, False)
        """The last requested state of each proxy; ``None`` where the present state is unknown."""
        self.warnings: list[str] = []
        self._routes: dict[str, list[Route]] = {}
        for route in routes:
            self._routes.setdefault(route.provider, []).append(route)
        self._by_provider: dict[str, list[Link]] = {}
        for link in self.placed:
            self._by_provider.setdefault(link.provider, []).append(link)
        self._taken = {(each.toxiproxy, each.listen): each.link for each in self.placed.values()}

    @property
    def providers(self) -> frozenset[str]:
        """Every component and external host that can be the provider of a link."""
        return frozenset(self._by_provider) | frozenset(self._routes)

    def routes(self, provider: str) -> Sequence[Route]:
        """The routes by which consumers reach a provider."""
        return self._routes.get(provider, ())

    def ports(self, provider: str) -> frozenset[int]:
        """The provider's ports that have a proxy."""
        return frozenset(link.port for link in self._by_provider.get(provider, ()))

    def add(self, placed: Placed, enabled: bool = False) -> None:
        """Add a proxy that Toxiproxy has from now on."""
        self.placed[placed.link] = placed
        self.enabled[placed.link] = enabled
        self._by_provider.setdefault(placed.link.provider, []).append(placed.link)
        self._taken[placed.toxiproxy, placed.listen] = placed.link

    def new_proxies(self, provider: str, sockets: Sockets) -> list[Placed]:
        """The proxies to create because a provider listens on a port that is declared nowhere.

        If another provider already uses that port at the same Toxiproxy, the port is left out with
        a warning.
        """
        new: list[Placed] = []
        for port in sorted(sockets.listening):
            if port in EPHEMERAL_PORTS:
                continue
            for route in self._routes.get(provider, ()):
                link = Link(route.consumer, provider, port)
                if link in self.placed or route.consumer == HARNESS:
                    continue
                listen = f"{route.listen_host}:{port}"
                holder = self._taken.get((route.toxiproxy, listen))
                if holder is None:
                    new.append(Placed(link, route.toxiproxy, listen, f"{route.upstream_host}:{port}"))
                elif holder.provider != provider:
                    self._warn(
                        f"{provider} listens on port {port}, which is not declared; {route.consumer} cannot "
                        f"reach it, because that port leads {route.consumer} to {holder.provider}; "
                        f"name the port under `expose:` of {provider}"
                    )
        return new

    def changes(self, provider: str, sockets: Sockets | None) -> list[tuple[Placed, bool]]:
        """The proxies of a provider that must be switched, each with the state that it should have.

        A provider that no longer listens but still answers on open connections is draining.
        Disabling its proxy would cut those connections, so the proxy is disabled only when the last
        of them is closed.

        Args:
            provider: a component's name.
            sockets: its sockets now; ``None`` while it is down.
        """
        wrong = []
        for link in self._by_provider.get(provider, ()):
            port, was = link.port, self.enabled[link]
            if sockets is None:
                should = False
            else:
                should = port in sockets.listening or (was is not False and port in sockets.busy)
            if should != was:
                wrong.append((self.placed[link], should))
        return wrong

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
