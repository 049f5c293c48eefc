"""The meaning of names before the rewrite: every name that a container could resolve, and its answer.

This follows Docker's embedded DNS (as observed with Docker 26.1). A name is looked up in one network after
another, and the first network that knows it answers with all containers that carry it there. The order is by
the networks' priority, then internal networks last, then by name. Legacy ``links`` come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from chaoskit.interpose.members import BRIDGE, Application, Member

Book = Mapping[str, tuple[str, ...]]
"""Name → the components that it means to one consumer."""


@dataclass(frozen=True, slots=True)
class Names:
    """Which components could reach each other, and by what names.

    Attributes:
        peers: component → the other components with which it shared a network.
        books: component → its :data:`Book`, which also has the component itself under its own names.
        mapped: component → names in its ``extra_hosts`` that are a peer's fixed address.
    """

    peers: Mapping[str, frozenset[str]]
    books: Mapping[str, Book]
    mapped: Mapping[str, frozenset[str]]


def look_up(application: Application) -> Names:
    """Resolve every name for every container that has a network namespace of its own."""
    hosts = application.hosts
    by_network: dict[str, list[Member]] = {}
    for member in hosts:
        for key in member.networks:
            by_network.setdefault(key, []).append(member)
    directories = {key: _directory(key, members, application) for key, members in by_network.items()}
    peers: dict[str, frozenset[str]] = {}
    books: dict[str, Book] = {}
    mapped: dict[str, frozenset[str]] = {}
    for member in hosts:
        shared = [other for key in member.networks for other in by_network[key]]
        peers[member.name] = frozenset(other.name for other in shared) - {member.name}
        book: dict[str, tuple[str, ...]] = {}
        for key in sorted(member.networks, key=lambda each: _order(each, member, application)):
            for name, providers in directories[key].items():
                book.setdefault(name, providers)
        book.update(_links(member, application, peers[member.name]))
        known = _mapped(member, shared)
        mapped[member.name] = frozenset(known)
        books[member.name] = {**book, **known}
    return Names(peers, books, mapped)


def extra_hosts(service: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """``extra_hosts`` as name → addresses, from every shape in which Compose writes it."""
    given = service.get("extra_hosts") or ()
    found: dict[str, tuple[str, ...]] = {}
    if isinstance(given, Mapping):
        pairs: Iterable[tuple[str, Any]] = given.items()
    else:
        pairs = (str(entry).split("=" if "=" in entry else ":", 1) for entry in given)  # type: ignore[misc]
    for name, addresses in pairs:
        several = [addresses] if isinstance(addresses, str) else list(addresses or ())
        found[name] = found.get(name, ()) + tuple(str(address).strip("[]") for address in several)
    return found


def _directory(key: str, members: list[Member], application: Application) -> dict[str, tuple[str, ...]]:
    """Name → the components that carry it in one network."""
    if key == BRIDGE:
        return {}
    network = application.network_name(key)
    found: dict[str, dict[str, None]] = {}
    for member in members:
        aliases = member.networks[key].get("aliases") or ()
        hostname = member.service.get("hostname")
        names = [member.component.service, member.container_name, *aliases, *([hostname] if hostname else [])]
        for name in names:
            found.setdefault(str(name), {})[member.name] = None
            found.setdefault(f"{name}.{network}", {})[member.name] = None
    return {name: tuple(providers) for name, providers in found.items()}


def _order(key: str, member: Member, application: Application) -> tuple[int, bool, str]:
    settings = (application.config.get("networks") or {}).get(key) or {}
    return (
        -int(member.networks[key].get("priority") or 0),
        bool(settings.get("internal")),
        application.network_name(key),
    )


def _links(member: Member, application: Application, peers: frozenset[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for link in member.service.get("links") or ():
        service, _, alias = str(link).partition(":")
        for provider in application.of_service(service):
            if provider.name not in peers:
                continue
            numbered = f"{service}-{provider.component.index}"
            for name in (alias or service, numbered, f"{application.project}-{numbered}"):
                found.setdefault(name, []).append(provider.name)
    return {name: tuple(dict.fromkeys(providers)) for name, providers in found.items()}


def _mapped(member: Member, shared: list[Member]) -> dict[str, tuple[str, ...]]:
    """The names that ``extra_hosts`` gives to a peer's fixed address."""
    fixed: dict[str, str] = {}
    for other in shared:
        for settings in other.networks.values():
            for word in ("ipv4_address", "ipv6_address"):
                if settings.get(word):
                    fixed[str(ip_address(settings[word]))] = other.name
    found = {}
    for name, addresses in extra_hosts(member.service).items():
        if addresses and all(address in fixed for address in addresses):
            found[name] = tuple(dict.fromkeys(fixed[address] for address in addresses))
    return found
