"""Which published port a journey enters by.

Which links a user means by what he writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from chaoskit.system.declaration import HARNESS, Component, Link, members


def matching_entries(entry: str | None, components: Iterable[Component], doors: Iterable[str]) -> list[str]:
    """The entry points (``component:port``) that a journey's ``entry`` means, in their order."""
    ports = tuple(doors)
    if entry is None:
        return list(ports)
    name, _, port = entry.partition(":")
    meant = members(name, components)
    return [
        door
        for door in ports
        if door.rpartition(":")[0] in meant and (not port or door.rpartition(":")[2] == port)
    ]


def meant(pattern: str, links: Iterable[Link], components: Iterable[Component]) -> tuple[Link, ...]:
    """The links that a pattern means; empty if there are none. Never a link of the harness.

    Args:
        pattern: ``consumer→provider`` (``->`` will do), each a component or a service, with ``:port``
            where only one port is meant; ``→provider`` for all links to it; or the name of the
            link's proxy in Toxiproxy.
        links, components: those there are.
    """
    users = [link for link in links if link.consumer != HARNESS]
    consumer, arrow, provider = (each.strip() for each in pattern.replace("->", "→").partition("→"))
    if not arrow:
        return tuple(link for link in users if link.proxy == pattern)
    provider, _, port = provider.partition(":")
    there = tuple(components)
    # The links of a user's own Toxiproxy may have a service for their end, not one of its replicas.
    consumers = members(consumer, there) | {consumer}
    providers = members(provider, there) | {provider}
    return tuple(
        link
        for link in users
        if (not consumer or link.consumer in consumers)
        and link.provider in providers
        and (not port or port == str(link.port))
    )
