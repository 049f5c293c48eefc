"""Where the ports of a container are to be reached from this machine."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from chaoskit.errors import UsageError

Inspected = Mapping[str, Any]
Address = tuple[str, int]

_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def published(inspected: Inspected) -> dict[int, Address]:
    """Container port → where it is published on this machine's loopback, TCP only."""
    told = (inspected.get("NetworkSettings") or {}).get("Ports") or {}
    found: dict[int, Address] = {}
    for name, bindings in told.items():
        port, _, protocol = str(name).partition("/")
        for binding in bindings or ():
            host = str(binding.get("HostIp") or "")
            host = _EVERYWHERE.get(host, host)
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


def parsed(text: str, *, what: str) -> Address:
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


def joined(address: Address) -> str:
    """``host:port``, an address of version 6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
