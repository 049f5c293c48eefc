"""Where the ports of a container are to be reached from this machine.

Reaching into a system from this machine, with nothing put beside its containers.
"""

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


def published(inspected: Inspected) -> dict[int, Address]:
    """Container port → where it is published on this machine's loopback, TCP only."""
    told = (inspected.get("NetworkSettings") or {}).get("Ports") or {}
    found: dict[int, Address] = {}
    for name, bindings in told.items():
        port, _, protocol = str(name).partition("/")
        for binding in bindings or ():
            host = str(binding.get("HostIp") or "")
            host = _WILDCARD_HOSTS.get(host, host)
            # Both versions of IP may be published, on different ports; version 4 is what is expected.
            if protocol == "tcp" and is_loopback(host) and ":" in found.get(int(port), (":", 0))[0]:
                found[int(port)] = (host, int(binding["HostPort"]))
    return found


def addresses(inspected: Inspected) -> dict[str, str]:
    """Network → the container's address in it."""
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    return {name: str(each["IPAddress"]) for name, each in networks.items() if each.get("IPAddress")}


def exposed(inspected: Inspected) -> frozenset[int]:
    """The TCP ports that its image or its compose file declares."""
    told = (inspected.get("Config") or {}).get("ExposedPorts") or {}
    return frozenset(int(name.partition("/")[0]) for name in told if str(name).endswith("/tcp"))


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine, without asking a resolver."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_address(text: str, *, what: str) -> Address:
    """``127.0.0.1:8474``, with or without ``http://`` before it.

    Raises:
        UsageError: it is no host and port, or not on this machine.
    """
    plain = text.strip().removeprefix("http://").rstrip("/")
    host, _, port = plain.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"{what} {text!r} is not of the form 127.0.0.1:PORT")
    if not is_loopback(host):
        raise UsageError(
            f"{what} {text!r} is not on this machine",
            limit="127.0.0.0/8, ::1 and localhost",
            remedy="publish the port on 127.0.0.1 and give that address",
        )
    return host.strip("[]"), int(port)


def format_address(address: Address) -> str:
    """``host:port``, an address of version 6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable_address(inspected: Inspected, port: int) -> Address | None:
    """Where a container's port is reached from this machine, ``None`` if it is not.

    By its published port, else by its own address where that is next door.
    """
    known = published(inspected).get(port)
    if known is not None:
        return known
    return next(((host, port) for host in direct_addresses(inspected)), None)


def direct_addresses(inspected: Inspected) -> list[str]:
    """The container's addresses in networks that this machine has an address in itself.

    None with Docker Desktop, whose containers live in a machine of their own, and none in a network
    that keeps this machine out. An address that is not next door must not be tried: what goes
    there would leave by the default route, to who knows whom.
    """
    pid = int((inspected.get("State") or {}).get("Pid") or 0)
    if not pid or reader_of_process(pid, str(inspected["Id"])) is None:
        return []
    seats = ((inspected.get("NetworkSettings") or {}).get("Networks") or {}).values()
    return [str(each["IPAddress"]) for each in seats if each.get("IPAddress") and _on_link(each)]


def _on_link(seat: Mapping[str, Any]) -> bool:
    network = ip_interface(f"{seat['IPAddress']}/{seat.get('IPPrefixLen') or 32}").network
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((str(seat["IPAddress"]), 9))  # of a datagram socket: asks the kernel, sends nothing
        except OSError:
            return False
        return ip_address(asked.getsockname()[0]) in network


def try_connection(address: Address, timeout: float) -> RawOutcome:
    """What a fresh connection from this machine meets."""
    try:
        with socket.create_connection(address, timeout) as connection:
            connection.settimeout(LISTEN_PERIOD)
            try:
                return "open" if connection.recv(1) else "refused"
            except TimeoutError:
                return "quiet"
    except (ConnectionRefusedError, ConnectionResetError):
        return "refused"
    except OSError:  # no answer, or no way there
        return "silent"
