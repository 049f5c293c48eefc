"""The Toxiproxies of a project: where their APIs are, and whether they can be worked with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chaoskit.errors import ToxiproxyFailure, UsageError
from chaoskit.interpose import API_PORT
from chaoskit.runtime.attached.published import Address, Inspected, exposed, joined, parsed, published
from chaoskit.toxiproxy import Toxiproxies

OLDEST: Final = (2, 6)
"""The first Toxiproxy that takes PATCH, by which a proxy is disabled and enabled."""
_BARE_VERSION: Final = re.compile(r'(?:\{"version": ?"?)?(?:git-)?v?\d+\.\d+')
_VERSION: Final = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Found:
    """A Toxiproxy.

    Attributes:
        name: what its container is called in the project, or its API's address.
        api: where its API is.
        inside: whether it is a container of the project.
    """

    name: str
    api: Address
    inside: bool


def find(inspected: Mapping[str, Inspected], named: Sequence[str]) -> tuple[list[Found], list[str]]:
    """The Toxiproxies that were named, and those in the project whose API is published on loopback.

    Returns:
        The Toxiproxies, and what should be known of those that are out of reach.

    Raises:
        UsageError: what was named is no address on this machine.
    """
    found: dict[Address, Found] = {}
    warnings = []
    for text in named:
        api = parsed(text, what="the Toxiproxy address")
        home = next((name for name, each in inspected.items() if api[1] in _ports(each)), None)
        found[api] = Found(home or joined(api), api, home is not None)
    for name, each in inspected.items():
        if not looks_like_one(each) or any(server.name == name for server in found.values()):
            continue
        where = published(each).get(API_PORT)
        if where is not None:
            found[where] = Found(name, where, inside=True)
        elif (each.get("State") or {}).get("Running"):
            warnings.append(
                f"{name} looks like a Toxiproxy, but its API (port {API_PORT}) is not published on "
                "127.0.0.1, so its links are out of reach; publish it, or give its address"
            )
    return list(found.values()), warnings


def looks_like_one(inspected: Inspected) -> bool:
    """Whether a container seems to be a Toxiproxy, by its image or its port."""
    image = str((inspected.get("Config") or {}).get("Image", ""))
    return (
        "toxiproxy" in image.rpartition("/")[2]
        or API_PORT in exposed(inspected) | published(inspected).keys()
    )


def greet(toxiproxies: Toxiproxies, servers: Iterable[Found]) -> None:
    """See that each answers, and is new enough.

    Raises:
        ToxiproxyFailure: one does not answer.
        UsageError: one is too old.
    """
    for server in servers:
        said = _version(toxiproxies, server.name)
        version = _VERSION.search(said)
        if version and (int(version[1]), int(version[2])) < OLDEST:
            raise UsageError(
                f"Toxiproxy {server.name!r} is too old",
                where=f"http://{joined(server.api)}",
                limit=f"{'.'.join(map(str, OLDEST))} or later",
                evidence=f"it says that it is {said.strip()[:80]}",
                remedy="use ghcr.io/shopify/toxiproxy:2.12.0; the API is the same",
            )


def _version(toxiproxies: Toxiproxies, server: str) -> str:
    try:
        return toxiproxies.version(server)
    except ToxiproxyFailure as error:
        # Before 2.7 it was no JSON, which to the adapter is no Toxiproxy.
        if error.evidence and _BARE_VERSION.match(error.evidence):
            return error.evidence
        raise


def unreachable(error: ToxiproxyFailure, server: Found) -> ToxiproxyFailure:
    """The error of a Toxiproxy that does not answer, with what to do about one that is not ours."""
    error.remedy = (
        f"see that it runs and that its API is at {joined(server.api)}; "
        "or attach without it, and touch no links"
    )
    return error


def _ports(inspected: Inspected) -> frozenset[int]:
    return frozenset(port for _, port in published(inspected).values())
