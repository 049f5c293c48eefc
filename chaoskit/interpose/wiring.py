"""The proxies of all links: between components, from OUTSIDE, to external hosts, and of the harness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chaoskit.interpose.external import ExternalHost
from chaoskit.interpose.members import Application
from chaoskit.interpose.model import API_PORT, Placed, Route
from chaoskit.interpose.placing import EDGE, Places
from chaoskit.interpose.ports import published_ports
from chaoskit.system import HARNESS, OUTSIDE, Link

FIRST_EDGE_PORT = 20001
"""The first container port in the edge network for proxies that cannot have, or need not have, their
provider's port; below the ephemeral range."""

SPARES_PER_TEN_PROVIDERS = 2
"""Spare published ports on a Toxiproxy for each ten of its providers with known ports."""

SPARES_PER_UNKNOWN_PROVIDER = 4
"""Spare published ports on a Toxiproxy for each of its providers without a known port."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A proxy of the forwarder: it listens at ``listen``, and ``upstream`` is an external host's port."""

    name: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Wiring:
    """All proxies; :class:`chaoskit.interpose.model.Interposed` documents the attributes."""

    placed: tuple[Placed, ...]
    routes: tuple[Route, ...]
    forwards: tuple[Forward, ...]
    entries: Mapping[str, tuple[str, int]]
    harness: Mapping[tuple[str, int], tuple[str, int]]
    spares: Mapping[str, tuple[int, ...]]


def wire(
    application: Application, places: Places, external: list[ExternalHost], toxiproxies: tuple[str, ...]
) -> Wiring:
    """List every proxy, in the order of the compose file."""
    hosts = [member.name for member in application.hosts]
    edge = _Edge(places, toxiproxies)
    routes = [
        Route(
            consumer,
            provider,
            toxiproxies[places.home[provider]],
            places.toxiproxy[places.home[provider], EDGE if consumer == HARNESS else consumer],
            places.address[provider],
        )
        for provider in hosts
        for consumer in (*places.consumers[provider], HARNESS)
    ]
    placed = [
        Placed(
            Link(route.consumer, route.provider, port),
            route.toxiproxy,
            f"{route.listen_host}:{port}",
            f"{route.upstream_host}:{port}",
        )
        for route in routes
        if route.consumer != HARNESS
        for port in places.ports[route.provider]
    ]
    entries: dict[str, tuple[str, int]] = {}
    for member in application.hosts:
        for port in published_ports(member):
            placed.append(edge.link(OUTSIDE, member.name, port, wish=port))
            entries[f"{member.name}:{port}"] = edge.last
    forwards = _external_links(places, external, toxiproxies, placed)
    harness: dict[tuple[str, int], tuple[str, int]] = {}
    for provider in hosts:
        for port in places.ports[provider]:
            placed.append(edge.link(HARNESS, provider, port))
            harness[provider, port] = edge.last
    spares = _spares(places, hosts, edge, toxiproxies)
    return Wiring(tuple(placed), tuple(routes), tuple(forwards), entries, harness, spares)


def port_of(address: str) -> int:
    """The port of an ``address:port``."""
    return int(address.rpartition(":")[2])


class _Edge:
    """Allocates the ports of the Toxiproxies' addresses in the edge network."""

    def __init__(self, places: Places, toxiproxies: tuple[str, ...]) -> None:
        self._places = places
        self._toxiproxies = toxiproxies
        self._used: dict[int, set[int]] = {number: {API_PORT} for number in range(places.toxiproxies)}
        self.last: tuple[str, int] = ("", 0)

    def port(self, number: int, wish: int | None = None) -> int:
        """A free port of a Toxiproxy: ``wish`` if it is free, or the next from :data:`FIRST_EDGE_PORT`."""
        used = self._used[number]
        port = wish if wish and wish not in used else FIRST_EDGE_PORT
        while port in used:
            port += 1
        used.add(port)
        return port

    def link(self, consumer: str, provider: str, port: int, wish: int | None = None) -> Placed:
        """Place a link whose consumer is on this machine; ``last`` becomes its published port."""
        number = self._places.home[provider]
        self.last = (self._toxiproxies[number], self.port(number, wish))
        return Placed(
            Link(consumer, provider, port),
            self._toxiproxies[number],
            f"{self._places.toxiproxy[number, EDGE]}:{self.last[1]}",
            f"{self._places.address[provider]}:{port}",
        )


def _external_links(
    places: Places, external: list[ExternalHost], toxiproxies: tuple[str, ...], placed: list[Placed]
) -> list[Forward]:
    """Add the links to external hosts, each of which takes two steps.

    In a consumer's network, the external host's name means Toxiproxy. That Toxiproxy is in the same
    network, so by that name it could only dial itself. So it dials a forwarder, which is only in the edge
    network and resolves the name outside of the application.
    """
    forwards: list[Forward] = []
    for each in external:
        for port in each.ports:
            step = Forward(
                f"out.{each.host}.{port}",
                f"{places.forwarder}:{FIRST_EDGE_PORT + len(forwards)}",
                f"{each.host}:{port}",
            )
            forwards.append(step)
            number = places.home[each.host]
            for consumer in places.consumers[each.host]:
                listen = f"{places.toxiproxy[number, consumer]}:{port}"
                link = Link(consumer, each.host, port)
                placed.append(Placed(link, toxiproxies[number], listen, step.listen))
    return forwards


def _spares(
    places: Places, hosts: list[str], edge: _Edge, toxiproxies: tuple[str, ...]
) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for number in range(places.toxiproxies):
        mine = [name for name in hosts if places.home[name] == number]
        silent = sum(not places.ports[name] for name in mine)
        talking = len(mine) - silent
        count = SPARES_PER_UNKNOWN_PROVIDER * silent + SPARES_PER_TEN_PROVIDERS * -(-talking // 10)
        found[toxiproxies[number]] = tuple(edge.port(number) for _ in range(count))
    return found
