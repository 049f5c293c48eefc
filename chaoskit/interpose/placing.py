"""Placing everything: which Toxiproxy carries which provider, and at what addresses.

The number of Toxiproxies comes from graph colouring. Two providers that serve the same consumer on the
same port would need two listeners on one address, so they need different Toxiproxies. In the graph they
have an edge between them, and each colour is a Toxiproxy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from ipaddress import IPv4Network

from chaoskit.interpose import subnets
from chaoskit.interpose.external import ExternalHost, reaches_beyond
from chaoskit.interpose.members import Application
from chaoskit.interpose.names import Names


def conflicts(
    ports: Mapping[str, Set[int]], consumers: Mapping[str, Set[str]], silent: Set[str] = frozenset()
) -> dict[str, frozenset[str]]:
    """Which providers cannot share a Toxiproxy.

    Args:
        ports: provider → the ports that it is known to serve. If there are none, its ports are found at
            run time, so any port may turn up.
        consumers: provider → the consumers that may dial it.
        silent: providers that are known to listen on no port, so that they fit on any Toxiproxy.

    Returns:
        provider → the providers that must be on other Toxiproxies.
    """
    clashing: dict[str, set[str]] = {provider: set() for provider in ports}
    names = list(ports)
    for position, one in enumerate(names):
        for other in names[position + 1 :]:
            if one in silent or other in silent:
                continue
            if ports[one] and ports[other] and ports[one].isdisjoint(ports[other]):
                continue
            if not consumers[one].isdisjoint(consumers[other]):
                clashing[one].add(other)
                clashing[other].add(one)
    return {provider: frozenset(others) for provider, others in clashing.items()}


def colour(clashing: Mapping[str, Set[str]], order: Sequence[str]) -> dict[str, int]:
    """Give each provider a number from 0, so that two providers that clash have different numbers.

    The algorithm is DSATUR (D. Brélaz, "New methods to color the vertices of a graph", CACM 22(4),
    1979): the next vertex is the one whose neighbours already have the most colours, and it gets the
    lowest free colour. It is exact for bipartite graphs and cliques, which are the graphs that shared
    ports produce. ``order`` breaks ties, so that the result is always the same.

    The numbers follow ``order`` too: the first provider is on the first Toxiproxy.

    Args:
        clashing: the result of :func:`conflicts`.
        order: all providers, in the order that breaks ties.
    """
    rank = {name: position for position, name in enumerate(order)}
    chosen: dict[str, int] = {}
    around: dict[str, set[int]] = {name: set() for name in order}
    waiting = set(order)
    while waiting:
        name = min(waiting, key=lambda each: (-len(around[each]), -len(clashing[each]), rank[each]))
        waiting.remove(name)
        chosen[name] = next(number for number in range(len(rank)) if number not in around[name])
        for other in clashing[name]:
            around[other].add(chosen[name])
    numbers = {old: new for new, old in enumerate(dict.fromkeys(chosen[name] for name in order))}
    return {name: numbers[chosen[name]] for name in order}


EDGE = ""
"""The key of the edge network, from which Toxiproxies publish ports, among the components' names."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places of all providers, networks and addresses.

    Attributes:
        consumers: provider → the components that may dial it, in their order; external hosts are
            providers too.
        ports: provider → its known ports.
        home: provider → the number of its Toxiproxy, from 0.
        toxiproxies: the number of Toxiproxies.
        subnets: component (or :data:`EDGE`) → its network.
        address: component → its address.
        toxiproxy: (number, component or :data:`EDGE`) → that Toxiproxy's address there.
        forwarder: the forwarder's address in the edge network; ``None`` if there are no external hosts.
    """

    consumers: Mapping[str, tuple[str, ...]]
    ports: Mapping[str, tuple[int, ...]]
    home: Mapping[str, int]
    toxiproxies: int
    subnets: Mapping[str, IPv4Network]
    address: Mapping[str, str]
    toxiproxy: Mapping[tuple[int, str], str]
    forwarder: str | None

    def at(self, component: str) -> list[int]:
        """The numbers of the Toxiproxies in a component's network, or in the edge network."""
        return [number for number, where in self.toxiproxy if where == component]


def place(
    application: Application,
    names: Names,
    ports: Mapping[str, tuple[int, ...]],
    external: Sequence[ExternalHost],
    *,
    seed: str,
    taken: Iterable[IPv4Network],
    silent: frozenset[str] = frozenset(),
) -> Places:
    """Colour the providers, then lay out the networks.

    Args:
        application, names, ports, external: the application, with its names, ports and external hosts.
        seed: the run's id, which decides the addresses.
        taken: the networks that this machine already routes.
        silent: components that are known to listen on no port.

    Raises:
        subnets.NoRoom: no private addresses are free.
    """
    hosts = [member.name for member in application.hosts]
    consumers = {name: tuple(each for each in hosts if each in names.peers[name]) for name in hosts}
    free = tuple(member.name for member in application.hosts if reaches_beyond(member, application))
    consumers |= {each.host: free for each in external}
    ports = {**ports, **{each.host: each.ports for each in external}}
    home = colour(
        conflicts(
            {name: frozenset(ports[name]) for name in consumers},
            {name: frozenset(dialling) for name, dialling in consumers.items()},
            silent,
        ),
        list(consumers),
    )
    present: dict[str, set[int]] = {name: {home[name]} for name in hosts}
    for provider, dialling in consumers.items():
        for consumer in dialling:
            present[consumer].add(home[provider])
    count = max(home.values(), default=-1) + 1
    sizes = {name: len(present[name]) + 1 for name in hosts}
    if count:
        sizes[EDGE] = count + bool(external)
    nets = subnets.allocate(sizes, seed=seed, taken=taken)
    toxiproxy = {(number, EDGE): str(subnets.host(nets[EDGE], number)) for number in range(count)}
    address = {}
    for name in hosts:
        for position, number in enumerate(sorted(present[name])):
            toxiproxy[number, name] = str(subnets.host(nets[name], position))
        address[name] = str(subnets.host(nets[name], len(present[name])))
    forwarder = str(subnets.host(nets[EDGE], count)) if external and count else None
    return Places(consumers, ports, home, count, nets, address, toxiproxy, forwarder)
