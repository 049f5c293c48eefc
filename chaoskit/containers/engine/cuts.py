"""Links that are dead, in the three ways in which links die. Tried with Toxiproxy 2.12.

``refuse``
    Toxiproxy stops listening. New connections are refused; open ones are closed.
``hang``
    Toxiproxy accepts, dials the provider as ever, and swallows what is said in both directions,
    on open connections as well. If the provider closes, the consumer does not get to know; if
    the consumer closes, the provider does, so that connections which nobody uses do not pile up
    at the provider and harm its other consumers. Mending closes the connections that hung.
``silent``
    The packets vanish in front of Toxiproxy: no answer to a SYN, nothing on open connections,
    which TCP keeps and resends on. Mending lets them go on where they were, as a network that
    comes back does, unless an end has given up. The rules live in Toxiproxy's own network.

A connection from the host to a published port ends at the engine's own proxy or address
translation first: there, ``silent`` may look as ``hang`` does, and ``refuse`` as a connection
that is closed at once.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

import docker

from chaoskit.containers.engine.client import containers
from chaoskit.containers.engine.nettools import Nettools
from chaoskit.containers.engine.packets import Dropped, LinkMeter, Quiet, connected, exchanged, table
from chaoskit.errors import RuntimeFailure, ToxiproxyFailure
from chaoskit.interpose import Placed
from chaoskit.runtime import Cut, Exchange, Toxic, Until
from chaoskit.system import Link
from chaoskit.toxiproxy import ProxyState, Toxiproxies

Met = Literal["open", "refused", "silent", "hang"]

_FOR_EVER: Final = 30 * 86_400.0
"""Seconds by which a close is put off: longer than any experiment, and no overflow in Toxiproxy."""

HANG: Final = (
    # ``timeout`` alone lets the provider's close through, so one that puts it off comes before it.
    Toxic("chaoskit-hang-close", "slow_close", "downstream", {"delay": _FOR_EVER}),
    Toxic("chaoskit-hang-down", "timeout", "downstream", {"timeout": 0.0}),
    Toxic("chaoskit-hang-up", "timeout", "upstream", {"timeout": 0.0}),
)
"""The toxics of a link that hangs, in the order to add them and to remove them: what stands before
a ``timeout`` that has closed can block for ever, and removing a toxic that blocks hangs the API."""


class Cuts:
    """Cuts links and mends them; may be used from several threads at a time.

    Args:
        client: the engine.
        run_id: the run.
        toxiproxies: the servers that carry the links.
        container: Toxiproxy's service name → its container's id; ``None`` for one that runs elsewhere.
        consumer: component → its container's id; by default that of the run's container.
        listens: whether a link's provider listens now. A refused link that is mended is enabled
            again if so; if not, whoever keeps ``enabled`` in step with the provider does it later.
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
        self._dropped = Dropped(self._nettools)
        self._refused: frozenset[Link] = frozenset()
        self._guard = threading.Lock()
        self._locks: defaultdict[Link, threading.RLock] = defaultdict(threading.RLock)

    def cut(self, placed: Placed, how: Cut) -> None:
        """Make a link dead; one that is dead in another way is mended first.

        Raises:
            ToxiproxyFailure: the cut is not to be seen afterwards.
            RuntimeFailure, ImageUnavailable: the sidecar for ``silent`` cannot do its work.
        """
        with self._lock(placed):
            there = self.active([placed]).get(placed.link)
            if there == how:
                return
            if there is not None:
                self.mend(placed)
            if how == "refuse":
                self._refuse(placed)
            elif how == "hang":
                for toxic in HANG:
                    self._toxiproxies.add_toxic(placed.toxiproxy, placed.link.proxy, toxic)
            else:
                self._dropped.add(self._network(placed.toxiproxy), placed.link.proxy, placed.listen)
            self._expect(placed, how)

    def mend(self, placed: Placed) -> None:
        """Take back whatever cut the link has, half a one too; a link that is not cut is no error.

        Raises:
            ToxiproxyFailure: the link is still cut.
            RuntimeFailure: the engine fails.
        """
        server, proxy = placed.toxiproxy, placed.link.proxy
        with self._lock(placed):
            there = {toxic.name for toxic in self._toxiproxies.toxics(server, proxy)}
            for toxic in HANG:
                if toxic.name in there:
                    self._toxiproxies.remove_toxic(server, proxy, toxic.name)
            container = self._container(server)
            if container is not None and self._nettools.known(container):
                self._dropped.remove(container, proxy)
            if placed.link in self._refused:
                if self._listens(placed):
                    self._toxiproxies.enable(server, proxy)
                with self._guard:
                    self._refused -= {placed.link}
            self._expect(placed, None)

    def active(self, placed: Iterable[Placed]) -> Mapping[Link, Cut]:
        """Those of the links that are cut, as Toxiproxy and the kernel tell it."""
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
                how = self._how(each, proxies.get(each.link.proxy), dropped)
                if how is not None:
                    found[each.link] = how
        return found

    def is_refused(self, placed: Placed) -> bool:
        """Whether the link is cut by ``refuse``, so that nobody else may enable its proxy; cheap."""
        return placed.link in self._refused

    def enable(self, placed: Placed) -> bool:
        """Enable the link's proxy unless it is refused, with no cut or mend in between.

        Returns:
            Whether it is enabled now.
        """
        with self._lock(placed):
            if self.is_refused(placed):
                return False
            self._toxiproxies.enable(placed.toxiproxy, placed.link.proxy)
            return True

    def connect(self, placed: Placed, timeout: float = 2.0) -> Met:
        """What a fresh connection meets, made in the consumer's own network.

        If the consumer has no running container, it is made in Toxiproxy's network. Where the
        client speaks first, an open link and one that hangs look alike for as long as one cares
        to listen: then what Toxiproxy says of its toxics decides.

        Returns:
            ``refused`` (also for a connection that is closed at once, as Toxiproxy does when it
            cannot reach the provider), ``silent`` after ``timeout`` seconds, ``hang`` or ``open``.
        """
        seats = [self._consumer(placed.link.consumer), self._container(placed.toxiproxy)]
        return self.heard(placed, connected(self._nettools, seats, placed.listen, timeout))

    def exchange(self, placed: Placed, said: bytes, until: Until, patience: float, *, past: bool) -> Exchange:
        """What comes of saying something over a link, made in the consumer's own network as
        :meth:`connect` is; ``past`` the proxy, it is made in Toxiproxy's network.
        """
        toxiproxy = self._container(placed.toxiproxy)
        if past:
            return exchanged(self._nettools, [toxiproxy], placed.upstream, said, until, patience)
        seats = [self._consumer(placed.link.consumer), toxiproxy]
        return exchanged(self._nettools, seats, placed.listen, said, until, patience)

    def heard(self, placed: Placed, met: Quiet) -> Met:
        """What a connection meets that was accepted and heard nothing: Toxiproxy's toxics tell."""
        if met != "quiet":
            return met
        toxics = self._toxiproxies.toxics(placed.toxiproxy, placed.link.proxy)
        return "hang" if _hangs(toxics) else "open"

    def meter(self, placed: Iterable[Placed]) -> LinkMeter:
        """Count from now on what is asked over these links, cut or not."""
        return LinkMeter(self._nettools, self._network, placed)

    def forget(self, container: str) -> None:
        """Remove the sidecars beside a container that is no more."""
        self._nettools.forget(container)

    def close(self) -> None:
        """Remove the sidecars; cuts stay as they are."""
        self._nettools.close()

    def _refuse(self, placed: Placed) -> None:
        with self._guard:
            self._refused |= {placed.link}  # first, so that no one enables the proxy in between
        self._toxiproxies.disable(placed.toxiproxy, placed.link.proxy)

    def _how(self, placed: Placed, state: ProxyState | None, dropped: frozenset[str]) -> Cut | None:
        if table(placed.link.proxy) in dropped:
            return "silent"
        if state is not None and placed.link in self._refused and not state.enabled:
            return "refuse"
        if state is not None and _hangs(state.toxics):
            return "hang"
        return None

    def _expect(self, placed: Placed, how: Cut | None) -> None:
        there = self.active([placed]).get(placed.link)
        if there != how:
            raise ToxiproxyFailure(
                f"link {placed.link.name} is not as it should be: it was to be {how or 'mended'}",
                where=f"Toxiproxy {placed.toxiproxy!r}, {placed.listen}",
                evidence=f"it is {there or 'not cut'}",
                remedy="something else changes this Toxiproxy at the same time, or it is broken",
            )

    def _network(self, server: str) -> str:
        container = self._container(server)
        if container is None:
            raise RuntimeFailure(
                f"Toxiproxy {server!r} is no container of this engine, so its packets are out of reach",
                remedy="cut by 'refuse' or 'hang'; count no requests over its links",
            )
        return container

    def _lock(self, placed: Placed) -> threading.RLock:
        with self._guard:
            return self._locks[placed.link]


def _hangs(toxics: Iterable[Toxic]) -> bool:
    return {toxic.name for toxic in HANG} <= {toxic.name for toxic in toxics}
