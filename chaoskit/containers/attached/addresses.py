"""The addresses at which this machine reaches a container's ports, without a sidecar beside the container."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_address, ip_interface
from typing import Any

from chaoskit.containers.engine.packets import LISTEN_PERIOD, RawOutcome
from chaoskit.containers.engine.sockets import reader_of_process
from chaoskit.errors import UsageError

Inspected = Mapping[str, Any]
Address = tuple[str, int]

_WILDCARD_HOSTS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""A host that means all interfaces → the loopback address to dial instead."""


def published(inspected: Inspected) -> dict[int, Address]:
    """Container port → the address at which it is published on this machine's loopback, TCP only."""
    ports = (inspected.get("NetworkSettings") or {}).get("Ports") or {}
    found: dict[int, Address] = {}
    for name, bindings in ports.items():
        port, _, protocol = str(name).partition("/")
        for binding in bindings or ():
            host = str(binding.get("HostIp") or "")
            host = _WILDCARD_HOSTS.get(host, host)
            # IPv4 and IPv6 may be published on different ports; IPv4 is preferred.
            if protocol == "tcp" and is_loopback(host) and ":" in found.get(int(port), (":", 0))[0]:
                found[int(port)] = (host, int(binding["HostPort"]))
    return found


def addresses(inspected: Inspected) -> dict[str, str]:
    """Network → the container's address in it."""
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    return {name: str(each["IPAddress"]) for name, each in networks.items() if each.get("IPAddress")}


def exposed(inspected: Inspected) -> frozenset[int]:
    """The TCP ports that the container's image or compose file declares."""
    ports = (inspected.get("Config") or {}).get("ExposedPorts") or {}
    return frozenset(int(name.partition("/")[0]) for name in ports if str(name).endswith("/tcp"))


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine; asks no resolver."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_address(text: str, *, what: str) -> Address:
    """The host and port in ``127.0.0.1:8474``, which may start with ``http://``.

    Args:
        text: the address.
        what: what it is the address of, for the error.

    Raises:
        UsageError: the text is not a host and port, or the host is not this machine.
    """
    plain = text.strip().removeprefix("http://").rstrip("/")
    host, _, port = plain.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(
            f"{what} {text!r} is not of the form 127.0.0.1:PORT",
            remedy="write a host and a port of this machine, such as 127.0.0.1:8474",
        )
    if not is_loopback(host):
        raise UsageError(
            f"{what} {text!r} is not on this machine",
            limit="127.0.0.0/8, ::1 and localhost",
            remedy="publish the port on 127.0.0.1 and give that address",
        )
    return host.strip("[]"), int(port)


def format_address(address: Address) -> str:
    """``host:port``, with an IPv6 address in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable_address(inspected: Inspected, port: int) -> Address | None:
    """The address at which this machine reaches a container's port; ``None`` if it cannot.

    The published port comes first, then one of the container's :func:`direct_addresses`.
    """
    known = published(inspected).get(port)
    if known is not None:
        return known
    return next(((host, port) for host in direct_addresses(inspected)), None)


def direct_addresses(inspected: Inspected) -> list[str]:
    """The container's addresses in those networks in which this machine has an address too.

    Docker Desktop's containers have none, because they live in a virtual machine. A container also has
    none in a network that excludes this machine. No other address may be dialled: the packets would leave
    by the default route and could reach a machine that is not part of the system.
    """
    pid = int((inspected.get("State") or {}).get("Pid") or 0)
    if not pid or reader_of_process(pid, str(inspected["Id"])) is None:
        return []
    endpoints = ((inspected.get("NetworkSettings") or {}).get("Networks") or {}).values()
    return [str(each["IPAddress"]) for each in endpoints if each.get("IPAddress") and _on_link(each)]


def _on_link(endpoint: Mapping[str, Any]) -> bool:
    network = ip_interface(f"{endpoint['IPAddress']}/{endpoint.get('IPPrefixLen') or 32}").network
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket makes the kernel choose a source address and sends nothing.
            probe.connect((str(endpoint["IPAddress"]), 9))
        except OSError:
            return False
        return ip_address(probe.getsockname()[0]) in network


def try_connection(address: Address, timeout: float) -> RawOutcome:
    """What a new connection from this machine meets."""
    try:
        with socket.create_connection(address, timeout) as connection:
            connection.settimeout(LISTEN_PERIOD)
            try:
                return "open" if connection.recv(1) else "refused"
            except TimeoutError:
                return "quiet"
    except (ConnectionRefusedError, ConnectionResetError):
        return "refused"
    except OSError:  # no answer, or no route
        return "silent"
