"""The proxies of a user's own Toxiproxy as links: who dials whom through each."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from chaoskit.errors import UsageError
from chaoskit.interpose import Placed
from chaoskit.runtime.attached.directory import Directory
from chaoskit.runtime.attached.published import Inspected, addresses
from chaoskit.system import ANY, HARNESS, OUTSIDE, Component, Link
from chaoskit.toxiproxy import ProxyState

_UNSPECIFIED: Final = frozenset({"", "0.0.0.0", "[::]", "::"})
_ADDRESSABLE: Final = re.compile(r"(?!\.{1,2}$)[^/?#%\x00-\x1f]+")
"""A name that is one segment of a path; what is not ASCII in it is escaped on its way."""
_REST: Final = re.compile(r"(?:\.|→|->|_to_|-to-)(?P<provider>.+?)(?:[.:](?P<port>\d+))?")
"""What stands behind the consumer in the name of a proxy: ``.cache.6379``, ``→cache:6379``, ``->cache``."""


@dataclass(frozen=True, slots=True, order=True)
class AttachedLink(Link):
    """A link whose proxy somebody else has named.

    Attributes:
        named: the proxy's name in Toxiproxy.
        twin: whether another proxy leads the same way, so that its own name has to tell them apart.
    """

    named: str = ""
    twin: bool = False

    @property
    def name(self) -> str:
        """How people write it."""
        way = f"{self.consumer}→{self.provider}:{self.port}"
        return f"{way} ({self.named})" if self.twin else way

    @property
    def proxy(self) -> str:
        """Its name in Toxiproxy."""
        return self.named


def link_up(
    told: Mapping[str, Iterable[ProxyState]],
    inspected: Mapping[str, Inspected],
    components: Iterable[Component],
) -> tuple[list[Placed], list[str]]:
    """Tell of each proxy who dials whom through it.

    The provider is whoever answers to its upstream. The consumer is told by the proxy's name
    (``api.cache.6379``, ``api→cache:6379``), else by who alone writes Toxiproxy's name and this port
    in its environment or command; else it is :data:`chaoskit.system.ANY`.

    Args:
        told: Toxiproxy → its proxies.
        inspected: every container of the project; a Toxiproxy that is none of them is elsewhere.
        components: the components.

    Returns:
        The links with their places, and warnings.

    Raises:
        UsageError: two Toxiproxies have a proxy of one name, so that it could not be told which is meant.
    """
    there = tuple(components)
    directory = Directory(inspected, there)
    found: list[Placed] = []
    warnings: list[str] = []
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for server, proxies in told.items():
        for state in sorted(proxies, key=lambda each: each.name):
            if not _ADDRESSABLE.fullmatch(state.name):
                warnings.append(
                    f"the proxy {state.name!r} of {server} is left out: its name has one of / ? # %, so "
                    "Toxiproxy's API cannot address it"
                )
                continue
            homes[state.name].add(server)
            found.append(_placed(server, state, inspected.get(server), directory, there))
    if double := sorted(name for name, servers in homes.items() if len(servers) > 1):
        raise UsageError(
            f"two Toxiproxies have a proxy called {double[0]!r}",
            where=", ".join(sorted(homes[double[0]])),
            remedy="attach to one of them at a time, or give their proxies names of their own",
        )
    ways = Counter((each.link.consumer, each.link.provider, each.link.port) for each in found)
    return [_told_apart(each, ways) for each in found], warnings


def _told_apart(placed: Placed, ways: Mapping[tuple[str, str, int], int]) -> Placed:
    link = placed.link
    if ways[link.consumer, link.provider, link.port] < 2:
        return placed
    return replace(placed, link=AttachedLink(link.consumer, link.provider, link.port, link.proxy, twin=True))


def _placed(
    server: str,
    state: ProxyState,
    seat: Inspected | None,
    directory: Directory,
    components: tuple[Component, ...],
) -> Placed:
    host, _, port = state.upstream.rpartition(":")
    host = host.strip("[]")
    networks = addresses(seat) if seat is not None else None
    provider = directory.who(host, int(port), networks) or host
    listen_host, _, listen_port = state.listen.rpartition(":")
    consumer = _by_name(state.name, directory.aliases(provider) | {host}, components)
    if consumer is None and seat is not None:
        consumer = directory.mentioning(directory.aliases(server) | {listen_host}, int(listen_port))
    if listen_host in _UNSPECIFIED:
        listen_host = next(iter(networks.values()), "127.0.0.1") if networks else "127.0.0.1"
    link = AttachedLink(consumer or ANY, provider, int(port), state.name)
    return Placed(link, server, f"{listen_host}:{listen_port}", state.upstream)


def _by_name(proxy: str, providers: frozenset[str], components: tuple[Component, ...]) -> str | None:
    known = {OUTSIDE, HARNESS, *(each.name for each in components), *(each.service for each in components)}
    for consumer in sorted(known, key=len, reverse=True):
        rest = _REST.fullmatch(proxy.removeprefix(consumer)) if proxy.startswith(consumer) else None
        if rest and rest["provider"] in providers:
            return consumer
    return None
