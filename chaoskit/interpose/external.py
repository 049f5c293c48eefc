"""The external hosts that the user names: all that a service can reach outside of the application.

A connection to an external host is a link like any other.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from chaoskit.interpose.members import BRIDGE, Application, Member
from chaoskit.interpose.names import Names

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True)
class ExternalHost:
    """An external host, and its ports that services may reach."""

    host: str
    ports: tuple[int, ...]


def external_hosts(
    external: Iterable[str], application: Application, names: Names
) -> tuple[list[ExternalHost], list[str]]:
    """Read ``host:port`` entries.

    Returns:
        The hosts in the order in which they were named, and a reason for each wrong entry.
    """
    found: dict[str, list[int]] = {}
    wrong: list[str] = []
    inside = {name for book in names.books.values() for name in book}
    inside |= {member.name for member in application.members}
    for entry in external:
        host, _, port = entry.rpartition(":")
        if not _HOST_NAME.fullmatch(host) or not port.isdigit() or not 0 < int(port) < 65536:
            wrong.append(f"external host {entry!r} is not of the form host:port")
        elif _is_address(host):
            wrong.append(
                f"external host {entry!r} is an address, but Toxiproxy can only stand in for a name; "
                "let the application use a name"
            )
        elif host in inside:
            wrong.append(f"external host {entry!r} has the same name as a service, so it would be ambiguous")
        elif int(port) not in found.setdefault(host, []):
            found[host].append(int(port))
    return [ExternalHost(host, tuple(ports)) for host, ports in found.items()], wrong


def reaches_beyond(member: Member, application: Application) -> bool:
    """Whether a member could reach hosts outside before: one of its networks was not internal."""
    networks = application.config.get("networks") or {}
    return any(key == BRIDGE or not (networks.get(key) or {}).get("internal") for key in member.networks)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
