"""How many Toxiproxies it takes: graph colouring.

Two providers that answer the same consumer on the same port would need two listeners on one
address, so they need different Toxiproxies: an edge between them, and a colour is a Toxiproxy.

Where everything goes: which Toxiproxy carries which provider, and at what addresses.
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
        ports: provider → the ports it is known to serve; none means that they are found at run
            time, when any port may turn up.
        consumers: provider → who may dial it.
        silent: providers that are known to listen on nothing: they may be anywhere.

    Returns:
        provider → the providers that must be elsewhere.
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
    """Give each provider a number from 0 so that no two that clash have the same.

    DSATUR (D. Brélaz, "New methods to color the vertices of a graph", CACM 22(4), 1979): next
    comes the vertex whose neighbours already have the most colours, and it gets the lowest that
    is free. Exact for bipartite graphs and cliques, which is what shared ports make; ties go by
    ``order``, so that the outcome is the same every time.

    Numbers are given out in ``order`` too: the first provider is on the first Toxiproxy.

    Args:
        clashing: as :func:`conflicts` gives it.
        order: all providers, in the order in which ties are broken.
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
"""Stands for the edge network among components' names: the one from which Toxiproxy publishes."""


@dataclass(frozen=True, slots=True)
class Places:
    """The plan of the ground.

    Attributes:
        consumers: provider → the components that may dial it, in their order; outsiders too.
        ports: provider → its known ports.
        home: provider → the number of its Toxiproxy, from 0.
        toxiproxies: how many there are.
        subnets: component (or :data:`EDGE`) → its network.
        address: component → its address.
        toxiproxy: (number, component or :data:`EDGE`) → that Toxiproxy's address there.
        way_out: the forwarder's address in the edge network, where there are outsiders.
    """

    consumers: Mapping[str, tuple[str, ...]]
    ports: Mapping[str, tuple[int, ...]]
    home: Mapping[str, int]
    toxiproxies: int
    subnets: Mapping[str, IPv4Network]
    address: Mapping[str, str]
    toxiproxy: Mapping[tuple[int, str], str]
    way_out: str | None

    def at(self, component: str) -> list[int]:
        """The Toxiproxies in a component's network (or on the edge)."""
        return [number for number, where in self.toxiproxy if where == component]


def place(
    application: Application,
    names: Names,
    ports: Mapping[str, tuple[int, ...]],
    outside: Sequence[ExternalHost],
    *,
    seed: str,
    taken: Iterable[IPv4Network],
    silent: frozenset[str] = frozenset(),
) -> Places:
    """Colour the providers, then lay out the networks.

    ``silent`` are components that are known to listen on nothing.

    Raises:
        subnets.NoRoom: no private addresses are free.
    """
    hosts = [member.name for member in application.hosts]
    consumers = {name: tuple(each for each in hosts if each in names.peers[name]) for name in hosts}
    free = tuple(member.name for member in application.hosts if reaches_beyond(member, application))
    consumers |= {each.host: free for each in outside}
    ports = {**ports, **{each.host: each.ports for each in outside}}
    home = colour(
        conflicts(
            {name: frozenset(ports[name]) for name in consumers},
            {name: frozenset(who) for name, who in consumers.items()},
            silent,
        ),
        list(consumers),
    )
    present: dict[str, set[int]] = {name: {home[name]} for name in hosts}
    for provider, who in consumers.items():
        for consumer in who:
            present[consumer].add(home[provider])
    count = max(home.values(), default=-1) + 1
    sizes = {name: len(present[name]) + 1 for name in hosts}
    if count:
        sizes[EDGE] = count + bool(outside)
    nets = subnets.allocate(sizes, seed=seed, taken=taken)
    toxiproxy = {(number, EDGE): str(subnets.host(nets[EDGE], number)) for number in range(count)}
    address = {}
    for name in hosts:
        for position, number in enumerate(sorted(present[name])):
            toxiproxy[number, name] = str(subnets.host(nets[name], position))
        address[name] = str(subnets.host(nets[name], len(present[name])))
    way_out = str(subnets.host(nets[EDGE], count)) if outside and count else None
    return Places(consumers, ports, home, count, nets, address, toxiproxy, way_out)
