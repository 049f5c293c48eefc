"""Cutting links, in the three ways in which links fail. Tried with Toxiproxy 2.12.

``refuse``
    Toxiproxy stops listening. It refuses new connections and closes open ones.
``hang``
    Toxiproxy accepts, dials the provider as usual, and drops the data in both directions, also on
    open connections. If the provider closes a connection, the consumer does not see it. If the
    consumer closes one, the provider sees it, so that unused connections do not pile up at the
    provider and harm its other consumers. Mending closes the connections that hung.
``silent``
    The packets are dropped in front of Toxiproxy: a SYN gets no answer, and open connections carry
    no data. TCP keeps these connections and resends. Mending lets them continue, as in a network that
    recovers, unless one end has given up. The rules are in Toxiproxy's own network namespace.

A connection from this machine to a published port first ends at the engine's own proxy or address
translation. There, ``silent`` may look like ``hang``, and ``refuse`` like a connection that is
closed at once.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

import docker

from chaoskit.containers.engine.client import containers
from chaoskit.containers.engine.nettools import Nettools
from chaoskit.containers.engine.packets import (
    LinkMeter,
    PacketDrops,
    RawOutcome,
    drop_table,
    exchanged,
    try_connection,
)
from chaoskit.errors import RuntimeFailure, ToxiproxyFailure
from chaoskit.interpose import Placed
from chaoskit.runtime import Cut, Exchange, Toxic, Until
from chaoskit.system import Link
from chaoskit.toxiproxy import ProxyState, Toxiproxies

ConnectionOutcome = Literal["open", "refused", "silent", "hang"]

_CLOSE_DELAY: Final = 30 * 86_400.0
"""Seconds by which a close is delayed: longer than any experiment, but no overflow in Toxiproxy."""

HANG_TOXICS: Final = (
    # ``timeout`` alone lets the provider's close through, so a toxic that delays the close precedes it.
    Toxic("chaoskit-hang-close", "slow_close", "downstream", {"delay": _CLOSE_DELAY}),
    Toxic("chaoskit-hang-down", "timeout", "downstream", {"timeout": 0.0}),
    Toxic("chaoskit-hang-up", "timeout", "upstream", {"timeout": 0.0}),
)
"""The toxics of a link that hangs, in the order to add them and to remove them.

A toxic in front of a closed ``timeout`` can block for ever, and removing a blocked toxic hangs the API.
"""


class Cuts:
    """Cuts links and mends them; safe to use from several threads.

    Args:
        client: the engine.
        run_id: the run.
        toxiproxies: the servers that carry the links.
        container: Toxiproxy's service name → its container's id; ``None`` for a Toxiproxy elsewhere.
        consumer: component → its container's id; by default that of the run's container.
        listens: whether a link's provider listens now. If it does, mending a refused link enables the
            proxy. If it does not, the watcher that keeps proxies in step enables it later.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        run_id: str,
        toxiproxies: Toxiproxies,
        container: Callable[[str], str | None],
        *,
        consumer: Callable[[str], str | None] | None = None,
        listens: Callable[[Placed], bool] = lambda placed: True,
    ) -> None:
        self._consumer = consumer or (lambda name: containers(client, run_id).get(name))
        self._toxiproxies = toxiproxies
        self._container = container
        self._listens = listens
        self._nettools = Nettools(client, run_id)
        self._dropped = PacketDrops(self._nettools)
        self._refused: frozenset[Link] = frozenset()
        self._guard = threading.Lock()
        self._locks: defaultdict[Link, threading.RLock] = defaultdict(threading.RLock)

    def cut(self, placed: Placed, how: Cut) -> None:
        """Cut a link; a link that is cut in another way is mended first.

        Raises:
            ToxiproxyFailure: the cut cannot be seen afterwards.
            RuntimeFailure, ImageUnavailable: the sidecar for ``silent`` cannot work.
        """
        with self._lock(placed):
            present = self.active([placed]).get(placed.link)
            if present == how:
                return
            if present is not None:
                self.mend(placed)
            if how == "refuse":
                self._refuse(placed)
            elif how == "hang":
                for toxic in HANG_TOXICS:
                    self._toxiproxies.add_toxic(placed.toxiproxy, placed.link.proxy, toxic)
            else:
                self._dropped.add(self._network(placed.toxiproxy), placed.link.proxy, placed.listen)
            self._verify(placed, how)

    def mend(self, placed: Placed) -> None:
        """Mend a link, however it is cut, also a cut that was only half made.

        Mending a link that is not cut is not an error.

        Raises:
            ToxiproxyFailure: the link is still cut.
            RuntimeFailure: the engine fails.
        """
        server, proxy = placed.toxiproxy, placed.link.proxy
        with self._lock(placed):
            present = {toxic.name for toxic in self._toxiproxies.toxics(server, proxy)}
            for toxic in HANG_TOXICS:
                if toxic.name in present:
                    self._toxiproxies.remove_toxic(server, proxy, toxic.name)
            container = self._container(server)
            if container is not None and self._nettools.known(container):
                self._dropped.remove(container, proxy)
            if placed.link in self._refused:
                if self._listens(placed):
                    self._toxiproxies.enable(server, proxy)
                with self._guard:
                    self._refused -= {placed.link}
            self._verify(placed, None)

    def active(self, placed: Iterable[Placed]) -> Mapping[Link, Cut]:
        """Those of the links that are cut, as read from Toxiproxy and the kernel."""
        by_server: defaultdict[str, list[Placed]] = defaultdict(list)
        for each in placed:
            by_server[each.toxiproxy].append(each)
        found: dict[Link, Cut] = {}
        for server, links in by_server.items():
            proxies = self._toxiproxies.proxies(server)
            container = self._container(server)
            harmed = container is not None and self._nettools.known(container)
            dropped = self._dropped.tables(container) if container and harmed else frozenset()
            for each in links:
                how = self._cut_of(each, proxies.get(each.link.proxy), dropped)
                if how is not None:
                    found[each.link] = how
        return found

    def is_refused(self, placed: Placed) -> bool:
        """Whether the link is cut with ``refuse``, so that no other code may enable its proxy; cheap."""
        return placed.link in self._refused

    def enable(self, placed: Placed) -> bool:
        """Enable the link's proxy unless the link is refused; no cut or mend can happen in between.

        Returns:
            Whether the proxy is enabled now.
        """
        with self._lock(placed):
            if self.is_refused(placed):
                return False
            self._toxiproxies.enable(placed.toxiproxy, placed.link.proxy)
            return True

    def connect(self, placed: Placed, timeout: float = 2.0) -> ConnectionOutcome:
        """What a new connection over the link meets, made in the consumer's own network.

        If the consumer has no running container, the connection is made in Toxiproxy's network. If the
        protocol lets the client speak first, an open link and one that hangs look the same, however
        long the probe listens; then Toxiproxy's toxics decide.

        Returns:
            ``refused`` (also for a connection that is closed at once, which Toxiproxy does if it
            cannot reach the provider), ``silent`` after ``timeout`` seconds, ``hang`` or ``open``.
        """
        containers = [self._consumer(placed.link.consumer), self._container(placed.toxiproxy)]
        return self.outcome(placed, try_connection(self._nettools, containers, placed.listen, timeout))

    def exchange(self, placed: Placed, said: bytes, until: Until, patience: float, *, past: bool) -> Exchange:
        """The outcome of an exchange over the link, made in the consumer's own network as
        :meth:`connect` is. ``past`` the proxy, the exchange is made in Toxiproxy's network.
        """
        toxiproxy = self._container(placed.toxiproxy)
        if past:
            return exchanged(self._nettools, [toxiproxy], placed.upstream, said, until, patience)
        containers = [self._consumer(placed.link.consumer), toxiproxy]
        return exchanged(self._nettools, containers, placed.listen, said, until, patience)

    def outcome(self, placed: Placed, met: RawOutcome) -> ConnectionOutcome:
        """The outcome of a connection; if it was accepted but stayed quiet, Toxiproxy's toxics decide."""
        if met != "quiet":
            return met
        toxics = self._toxiproxies.toxics(placed.toxiproxy, placed.link.proxy)
        return "hang" if _hangs(toxics) else "open"

    def meter(self, placed: Iterable[Placed]) -> LinkMeter:
        """Count the requests over these links from now on, whether the links are cut or not."""
        return LinkMeter(self._nettools, self._network, placed)

    def forget(self, container: str) -> None:
        """Remove the sidecars beside a container that no longer exists."""
        self._nettools.forget(container)

    def close(self) -> None:
        """Remove the sidecars; the cuts stay as they are."""
        self._nettools.close()

    def _refuse(self, placed: Placed) -> None:
        with self._guard:
            self._refused |= {placed.link}  # first, so that no other thread enables the proxy in between
        self._toxiproxies.disable(placed.toxiproxy, placed.link.proxy)

    def _cut_of(self, placed: Placed, state: ProxyState | None, dropped: frozenset[str]) -> Cut | None:
        if drop_table(placed.link.proxy) in dropped:
            return "silent"
        if state is not None and placed.link in self._refused and not state.enabled:
            return "refuse"
        if state is not None and _hangs(state.toxics):
            return "hang"
        return None

    def _verify(self, placed: Placed, how: Cut | None) -> None:
        present = self.active([placed]).get(placed.link)
        if present != how:
            wanted = f"cut with {how!r}" if how else "mended"
            raise ToxiproxyFailure(
                f"link {placed.link.name} could not be {wanted}",
                where=f"Toxiproxy {placed.toxiproxy!r}, {placed.listen}",
                evidence=f"it is cut with {present!r}" if present else "it is not cut",
                remedy="check whether another program changes this Toxiproxy at the same time",
            )

    def _network(self, server: str) -> str:
        container = self._container(server)
        if container is None:
            raise RuntimeFailure(
                f"Toxiproxy {server!r} is not a container on this engine, so its packets cannot be reached",
                remedy="cut its links with 'refuse' or 'hang', and inject no fault that counts requests",
            )
        return container

    def _lock(self, placed: Placed) -> threading.RLock:
        with self._guard:
            return self._locks[placed.link]


def _hangs(toxics: Iterable[Toxic]) -> bool:
    return {toxic.name for toxic in HANG_TOXICS} <= {toxic.name for toxic in toxics}
