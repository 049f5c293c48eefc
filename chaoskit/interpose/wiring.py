"""Every link gets its proxy: between components, from outside, to outside, and the harness's own."""

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
"""The first container port for what has none of its own on the edge; below the ephemeral range."""

SPARES_PER_TEN_PROVIDERS = 2
"""Published ports kept free on a Toxiproxy for each ten of its providers that have known ports."""

SPARES_PER_UNKNOWN_PROVIDER = 4
"""The same for each provider without a known port."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A step of the way out: ``listen`` on the forwarder, ``upstream`` outside."""

    name: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Wiring:
    """All proxies; see :class:`chaoskit.interpose.model.Interposed` for the attributes."""

    placed: tuple[Placed, ...]
    routes: tuple[Route, ...]
    forwards: tuple[Forward, ...]
    entries: Mapping[str, tuple[str, int]]
    harness: Mapping[tuple[str, int], tuple[str, int]]
    spares: Mapping[str, tuple[int, ...]]


def wire(
    application: Application, places: Places, outside: list[ExternalHost], toxiproxies: tuple[str, ...]
) -> Wiring:
    """Write down every proxy, in the order of the compose file."""
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
    forwards = _external_links(places, outside, toxiproxies, placed)
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
    """Deals out the ports of the Toxiproxies' addresses in the edge network."""

    def __init__(self, places: Places, toxiproxies: tuple[str, ...]) -> None:
        self._places = places
        self._toxiproxies = toxiproxies
        self._used: dict[int, set[int]] = {number: {API_PORT} for number in range(places.toxiproxies)}
        self.last: tuple[str, int] = ("", 0)

    def port(self, number: int, wish: int | None = None) -> int:
        """A free port of one Toxiproxy: the one wished for, or the next from :data:`FIRST_EDGE_PORT`."""
        used = self._used[number]
        port = wish if wish and wish not in used else FIRST_EDGE_PORT
        while port in used:
            port += 1
        used.add(port)
        return port

    def link(self, consumer: str, provider: str, port: int, wish: int | None = None) -> Placed:
        """Place a link whose consumer is on this machine; ``last`` says at which published port."""
        number = self._places.home[provider]
        self.last = (self._toxiproxies[number], self.port(number, wish))
        return Placed(
            Link(consumer, provider, port),
            self._toxiproxies[number],
            f"{self._places.toxiproxy[number, EDGE]}:{self.last[1]}",
            f"{self._places.address[provider]}:{port}",
        )


def _external_links(
    places: Places, outside: list[ExternalHost], toxiproxies: tuple[str, ...], placed: list[Placed]
) -> list[Forward]:
    """Links to outsiders go in two steps.

    In a consumer's network the outsider's name is Toxiproxy, so to that Toxiproxy it is as well: it
    could only dial itself. A forwarder that is on the edge alone resolves the name as the world does.
    """
    forwards: list[Forward] = []
    for outsider in outside:
        for port in outsider.ports:
            step = Forward(
                f"out.{outsider.host}.{port}",
                f"{places.way_out}:{FIRST_EDGE_PORT + len(forwards)}",
                f"{outsider.host}:{port}",
            )
            forwards.append(step)
            number = places.home[outsider.host]
            for consumer in places.consumers[outsider.host]:
                listen = f"{places.toxiproxy[number, consumer]}:{port}"
                link = Link(consumer, outsider.host, port)
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
