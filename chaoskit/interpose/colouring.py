"""How many Toxiproxies it takes: graph colouring.

Two providers that answer the same consumer on the same port would need two listeners on one
address, so they need different Toxiproxies: an edge between them, and a colour is a Toxiproxy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set


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
