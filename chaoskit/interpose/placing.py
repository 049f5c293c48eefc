"""Where everything goes: which Toxiproxy carries which provider, and at what addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from chaoskit.interpose import subnets
from chaoskit.interpose.colouring import colour, conflicts
from chaoskit.interpose.external import Outsider, gets_out
from chaoskit.interpose.members import Application
from chaoskit.interpose.names import Names

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
    outside: Sequence[Outsider],
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
    free = tuple(member.name for member in application.hosts if gets_out(member, application))
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
