"""Reaching into a system from this machine, with nothing put beside its containers."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_address, ip_interface
from typing import Any

from chaoskit.runtime.attached.published import Address, Inspected, published
from chaoskit.runtime.listening import of_process
from chaoskit.runtime.packets import LISTEN, Quiet


def way_to(inspected: Inspected, port: int) -> Address | None:
    """Where a container's port is reached from this machine, ``None`` if it is not.

    By its published port, else by its own address where that is next door.
    """
    known = published(inspected).get(port)
    if known is not None:
        return known
    return next(((host, port) for host in next_door(inspected)), None)


def next_door(inspected: Inspected) -> list[str]:
    """The container's addresses in networks that this machine has an address in itself.

    None with Docker Desktop, whose containers live in a machine of their own, and none in a network
    that keeps this machine out. An address that is not next door must not be tried: what goes
    there would leave by the default route, to who knows whom.
    """
    pid = int((inspected.get("State") or {}).get("Pid") or 0)
    if not pid or of_process(pid, str(inspected["Id"])) is None:
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


def tried(address: Address, timeout: float) -> Quiet:
    """What a fresh connection from this machine meets."""
    try:
        with socket.create_connection(address, timeout) as connection:
            connection.settimeout(LISTEN)
            try:
                return "open" if connection.recv(1) else "refused"
            except TimeoutError:
                return "quiet"
    except (ConnectionRefusedError, ConnectionResetError):
        return "refused"
    except OSError:  # no answer, or no way there
        return "silent"
