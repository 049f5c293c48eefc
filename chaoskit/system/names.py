"""The published ports and the links that a user means by a name or a pattern."""

from __future__ import annotations

from collections.abc import Iterable

from chaoskit.system.declaration import HARNESS, Component, Link, members


def matching_entries(
    entry: str | None, components: Iterable[Component], published: Iterable[str]
) -> list[str]:
    """The published ports (``component:port``) that a journey's ``entry`` means, in their order."""
    ports = tuple(published)
    if entry is None:
        return list(ports)
    name, _, port = entry.partition(":")
    meant = members(name, components)
    return [
        each
        for each in ports
        if each.rpartition(":")[0] in meant and (not port or each.rpartition(":")[2] == port)
    ]


def matching_links(pattern: str, links: Iterable[Link], components: Iterable[Component]) -> tuple[Link, ...]:
    """The links that a pattern means; empty if there are none. A link of the harness is never among them.

    Args:
        pattern: ``consumer→provider`` (or ``->``), each a component or a service, with ``:port`` to mean
            one port only; ``→provider`` for all links to that provider; or the name of the link's proxy
            in Toxiproxy.
        links, components: all links and components of the system.
    """
    users = [link for link in links if link.consumer != HARNESS]
    consumer, arrow, provider = (each.strip() for each in pattern.replace("->", "→").partition("→"))
    if not arrow:
        return tuple(link for link in users if link.proxy == pattern)
    provider, _, port = provider.partition(":")
    there = tuple(components)
    # A link of the user's own Toxiproxy may end at a service, not at one of its replicas.
    consumers = members(consumer, there) | {consumer}
    providers = members(provider, there) | {provider}
    return tuple(
        link
        for link in users
        if (not consumer or link.consumer in consumers)
        and link.provider in providers
        and (not port or port == str(link.port))
    )
