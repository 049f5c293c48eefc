"""Warnings of everything that the rewrite cannot keep as it was, each with the service's name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chaoskit.interpose.external import ExternalHost
from chaoskit.interpose.members import BRIDGE, Application, Member
from chaoskit.interpose.names import Names, extra_hosts
from chaoskit.interpose.ports import udp_ports

_STATE_FOLDERS = ("/var/lib/", "/bitnami/", "/data")
"""The start of paths at which services usually keep their state."""


def remarks(application: Application, names: Names, external: Iterable[ExternalHost]) -> list[str]:
    """All warnings, service by service, then those about networks and volumes."""
    named = {each.host for each in external}
    found: list[str] = []
    for service, settings in (application.config.get("services") or {}).items():
        members = application.of_service(service)
        if not members:
            found.append(f"service {service!r} has no replica, so it is left out")
            continue
        warnings = (
            *_of_service(members[0], settings, application),
            *_of_extra_hosts(members[0], settings, names, named),
        )
        found += (f"service {service!r} {text}" for text in warnings)
    return [*found, *_of_networks(application), *_of_volumes(application)]


def _of_service(member: Member, service: Mapping[str, Any], application: Application) -> Iterator[str]:
    udp = udp_ports(member)
    if udp:
        yield f"serves {', '.join(udp)}: Toxiproxy carries TCP only, so no other service reaches these ports"
    for key, settings in member.networks.items():
        if settings.get("ipv4_address"):
            yield (
                f"has the fixed address {settings['ipv4_address']} in network {key!r}: it gets another "
                "one, so a service that dials the address instead of a name cannot reach it"
            )
        if settings.get("ipv6_address"):
            yield f"has the fixed address {settings['ipv6_address']} in network {key!r}; links are IPv4 only"
    if BRIDGE in member.networks:
        yield "is on the engine's default bridge: others reach it only by the names in their `links:`"
    for link in service.get("external_links") or ():
        yield f"links to {link!r}, a container outside this application: name it as external host:port"
    mode = str(service.get("network_mode") or "")
    owner = mode.removeprefix("service:")
    if mode.startswith("service:") and len(application.of_service(owner)) > 1:
        yield (
            f"shares the network of {owner!r}, which has replicas: "
            f"it shares that of {member.namespace!r} only"
        )
    yield from _of_privileges(service)


def _of_privileges(service: Mapping[str, Any]) -> Iterator[str]:
    if service.get("privileged") or {"NET_ADMIN", "CAP_NET_ADMIN", "ALL"} & set(service.get("cap_add") or ()):
        yield "may change its own network (privileged, or NET_ADMIN), so it could bypass a fault"
    for volume in service.get("volumes") or ():
        source, target = str(volume.get("source") or ""), str(volume.get("target") or "")
        if volume.get("type") != "bind":
            continue
        if source.endswith("docker.sock"):
            yield "mounts the engine's socket: it cannot reach the addresses that it reads there"
        elif not volume.get("read_only") and target.startswith(_STATE_FOLDERS):
            yield f"keeps its state in {source} on this machine, so a fault can change those files"


def _of_extra_hosts(
    member: Member, service: Mapping[str, Any], names: Names, named: set[str]
) -> Iterator[str]:
    for name, addresses in extra_hosts(service).items():
        if name in named or name in names.mapped.get(member.name, ()) or all(map(_loopback, addresses)):
            continue
        yield (
            f"has {name!r} at {', '.join(addresses)} in its extra_hosts, which it cannot reach now; "
            f"if it needs that host, name it as an external host, {name}:port"
        )


def _of_networks(application: Application) -> Iterator[str]:
    used = {key for member in application.hosts for key in member.networks}
    for key, settings in (application.config.get("networks") or {}).items():
        if key not in used or not settings:
            continue
        if settings.get("external"):
            yield (
                f"network {application.network_name(key)!r} is external: its services reach each other, but "
                "not containers outside this application; name those as external hosts"
            )
        if settings.get("enable_ipv4") is False:
            yield f"network {key!r} is IPv6 only, but links are IPv4 only"


def _of_volumes(application: Application) -> Iterator[str]:
    for key, settings in (application.config.get("volumes") or {}).items():
        if settings and settings.get("external"):
            yield (
                f"volume {settings.get('name') or key!r} is external: the run uses it directly, "
                "so the effects of faults on it outlive the run"
            )


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
