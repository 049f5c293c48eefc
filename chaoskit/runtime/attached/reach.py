"""Reaching into a system from this machine, with nothing put beside its containers."""

from __future__ import annotations

import socket

from chaoskit.runtime.attached.published import Address, Inspected, addresses, published
from chaoskit.runtime.listening import of_process
from chaoskit.runtime.packets import LISTEN, Quiet


def way_to(inspected: Inspected, port: int) -> Address | None:
    """Where a container's port is reached from this machine, ``None`` if it is not.

    By its published port, else by its own address where the engine's containers live in this
    machine's kernel (with Docker Desktop they do not).
    """
    known = published(inspected).get(port)
    if known is not None:
        return known
    return next(((host, port) for host in addresses(inspected).values() if here(inspected)), None)


def here(inspected: Inspected) -> bool:
    """Whether the container's processes are of this machine, and so its networks."""
    pid = int((inspected.get("State") or {}).get("Pid") or 0)
    return pid > 0 and of_process(pid, str(inspected["Id"])) is not None


def tried(address: Address, timeout: float) -> Quiet:
    """What a fresh connection from this machine meets."""
    try:
        with socket.create_connection(address, timeout) as connection:
            connection.settimeout(LISTEN)
            try:
                return "open" if connection.recv(1) else "refused"
            except TimeoutError:
                return "quiet"
    except TimeoutError:
        return "silent"
    except OSError:
        return "refused"
