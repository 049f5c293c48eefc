"""The Toxiproxies of a project: where their APIs are, whether chaoskit can use them, and their links."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chaoskit.containers.attached.addresses import (
    Address,
    Inspected,
    addresses,
    exposed,
    format_address,
    parse_address,
    published,
)
from chaoskit.containers.attached.names import Directory
from chaoskit.errors import ToxiproxyFailure, UsageError
from chaoskit.interpose import API_PORT, Placed
from chaoskit.system import ANY, HARNESS, OUTSIDE, Component, Link
from chaoskit.toxiproxy import ProxyState, Toxiproxies

OLDEST_VERSION: Final = (2, 6)
"""The first Toxiproxy version that accepts PATCH, with which chaoskit disables and enables a proxy."""
_PLAIN_VERSION_ANSWER: Final = re.compile(r'(?:\{"version": ?"?)?(?:git-)?v?\d+\.\d+')
"""The version as a Toxiproxy before 2.7 tells it, which is not valid JSON."""
_VERSION: Final = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class FoundToxiproxy:
    """A Toxiproxy that serves a project.

    Attributes:
        name: its container's name in the project, or else its API's address.
        api: the address of its API.
        inside: whether it is a container of the project.
    """

    name: str
    api: Address
    inside: bool


def find_toxiproxies(
    inspected: Mapping[str, Inspected], named: Sequence[str]
) -> tuple[list[FoundToxiproxy], list[str]]:
    """The named Toxiproxies, and those in the project whose API is published on loopback.

    Returns:
        The Toxiproxies, and a warning for each that cannot be reached.

    Raises:
        UsageError: a named address is not an address on this machine.
    """
    found: dict[Address, FoundToxiproxy] = {}
    warnings = []
    for text in named:
        api = parse_address(text, what="the Toxiproxy address")
        home = next((name for name, each in inspected.items() if api[1] in _ports(each)), None)
        found[api] = FoundToxiproxy(home or format_address(api), api, home is not None)
    for name, each in inspected.items():
        if not looks_like_toxiproxy(each) or any(server.name == name for server in found.values()):
            continue
        where = published(each).get(API_PORT)
        if where is not None:
            found[where] = FoundToxiproxy(name, where, inside=True)
        elif (each.get("State") or {}).get("Running"):
            warnings.append(
                f"{name} looks like a Toxiproxy, but its API (port {API_PORT}) is not published on "
                "127.0.0.1, so chaoskit cannot reach its links; publish it, or give its address"
            )
    return list(found.values()), warnings


def looks_like_toxiproxy(inspected: Inspected) -> bool:
    """Whether a container appears to be a Toxiproxy, by its image or its port."""
    image = str((inspected.get("Config") or {}).get("Image", ""))
    return (
        "toxiproxy" in image.rpartition("/")[2]
        or API_PORT in exposed(inspected) | published(inspected).keys()
    )


def check_versions(toxiproxies: Toxiproxies, servers: Iterable[FoundToxiproxy]) -> None:
    """Check that each Toxiproxy answers and is new enough.

    Raises:
        ToxiproxyFailure: one does not answer.
        UsageError: one is too old.
    """
    for server in servers:
        answer = _version(toxiproxies, server.name)
        version = _VERSION.search(answer)
        if version and (int(version[1]), int(version[2])) < OLDEST_VERSION:
            raise UsageError(
                f"Toxiproxy {server.name!r} is too old",
                where=f"http://{format_address(server.api)}",
                limit=f"{'.'.join(map(str, OLDEST_VERSION))} or later",
                evidence=f"its version is {answer.strip()[:80]}",
                remedy="use ghcr.io/shopify/toxiproxy:2.12.0, which has the same API",
            )


def _version(toxiproxies: Toxiproxies, server: str) -> str:
    try:
        return toxiproxies.version(server)
    except ToxiproxyFailure as error:
        # Before 2.7 the answer was not JSON, and the adapter then takes the server for another program.
        if error.evidence and _PLAIN_VERSION_ANSWER.match(error.evidence):
            return error.evidence
        raise


def unreachable(error: ToxiproxyFailure, server: FoundToxiproxy) -> ToxiproxyFailure:
    """The error of a Toxiproxy that does not answer, with a remedy for one that chaoskit did not start."""
    error.remedy = (
        f"check that it runs and that its API is at {format_address(server.api)}; "
        "or attach without it, and touch no links"
    )
    return error


def _ports(inspected: Inspected) -> frozenset[int]:
    return frozenset(port for _, port in published(inspected).values())


_UNSPECIFIED_HOSTS: Final = frozenset({"", "0.0.0.0", "[::]", "::"})
_ADDRESSABLE_NAME: Final = re.compile(r"(?!\.{1,2}$)[^/?#%\x00-\x1f]+")
"""A name that fits into one segment of a URL's path; characters outside ASCII are escaped when it is sent."""
_NAME_AFTER_CONSUMER: Final = re.compile(r"(?:\.|→|->|_to_|-to-)(?P<provider>.+?)(?:[.:](?P<port>\d+))?")
"""The part of a proxy's name after the consumer: ``.cache.6379``, ``→cache:6379``, ``->cache``."""


@dataclass(frozen=True, slots=True, order=True)
class AttachedLink(Link):
    """A link whose proxy its owner named.

    Attributes:
        named: the proxy's name in Toxiproxy.
        twin: whether another proxy has the same consumer, provider and port, so that the link's name
            must include the proxy's.
    """

    named: str = ""
    twin: bool = False

    @property
    def name(self) -> str:
        """The link's name, as users write it."""
        way = f"{self.consumer}→{self.provider}:{self.port}"
        return f"{way} ({self.named})" if self.twin else way

    @property
    def proxy(self) -> str:
        """The name of the link's proxy in Toxiproxy."""
        return self.named


def links_of_proxies(
    proxies_by_server: Mapping[str, Iterable[ProxyState]],
    inspected: Mapping[str, Inspected],
    components: Iterable[Component],
) -> tuple[list[Placed], list[str]]:
    """Find the consumer and the provider of each proxy.

    The provider is the container at the proxy's upstream address. The consumer is in the proxy's name
    (``api.cache.6379``, ``api→cache:6379``); otherwise it is the one component with Toxiproxy's name
    and this port in its environment or command; otherwise it is :data:`chaoskit.system.ANY`.

    Args:
        proxies_by_server: Toxiproxy → its proxies.
        inspected: every container of the project. A Toxiproxy that is not among them runs elsewhere.
        components: the components.

    Returns:
        The links with their places, and warnings.

    Raises:
        UsageError: two Toxiproxies have a proxy with the same name, so the name would be ambiguous.
    """
    known = tuple(components)
    directory = Directory(inspected, known)
    found: list[Placed] = []
    warnings: list[str] = []
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for server, proxies in proxies_by_server.items():
        for state in sorted(proxies, key=lambda each: each.name):
            if not _ADDRESSABLE_NAME.fullmatch(state.name):
                warnings.append(
                    f"the proxy {state.name!r} of {server} is left out: its name contains one of / ? # %, so "
                    "Toxiproxy's API cannot address it"
                )
                continue
            homes[state.name].add(server)
            found.append(_placed(server, state, inspected.get(server), directory, known))
    if double := sorted(name for name, servers in homes.items() if len(servers) > 1):
        raise UsageError(
            f"two Toxiproxies have a proxy called {double[0]!r}",
            where=", ".join(sorted(homes[double[0]])),
            remedy="attach to one of them at a time, or give their proxies different names",
        )
    ways = Counter((each.link.consumer, each.link.provider, each.link.port) for each in found)
    return [_with_unique_name(each, ways) for each in found], warnings


def _with_unique_name(placed: Placed, ways: Mapping[tuple[str, str, int], int]) -> Placed:
    link = placed.link
    if ways[link.consumer, link.provider, link.port] < 2:
        return placed
    return replace(placed, link=AttachedLink(link.consumer, link.provider, link.port, link.proxy, twin=True))


def _placed(
    server: str,
    state: ProxyState,
    container: Inspected | None,
    directory: Directory,
    components: tuple[Component, ...],
) -> Placed:
    host, _, port = state.upstream.rpartition(":")
    host = host.strip("[]")
    networks = addresses(container) if container is not None else None
    provider = directory.host_of(host, int(port), networks) or host
    listen_host, _, listen_port = state.listen.rpartition(":")
    consumer = _consumer_in_name(state.name, directory.aliases(provider) | {host}, components)
    if consumer is None and container is not None:
        consumer = directory.mentioning(directory.aliases(server) | {listen_host}, int(listen_port))
    if listen_host in _UNSPECIFIED_HOSTS:
        listen_host = next(iter(networks.values()), "127.0.0.1") if networks else "127.0.0.1"
    link = AttachedLink(consumer or ANY, provider, int(port), state.name)
    return Placed(link, server, f"{listen_host}:{listen_port}", state.upstream)


def _consumer_in_name(proxy: str, providers: frozenset[str], components: tuple[Component, ...]) -> str | None:
    consumers = {OUTSIDE, HARNESS}
    consumers |= {each.name for each in components} | {each.service for each in components}
    for consumer in sorted(consumers, key=len, reverse=True):
        rest = (
            _NAME_AFTER_CONSUMER.fullmatch(proxy.removeprefix(consumer))
            if proxy.startswith(consumer)
            else None
        )
        if rest and rest["provider"] in providers:
            return consumer
    return None
