"""Which TCP ports a component listens on, as other containers can reach them.

The kernel's own table says so: ``/proc/<pid>/net/tcp`` and ``tcp6`` of any process in the
component's network namespace, readable by every user of the machine that runs the engine. Where
the engine runs elsewhere (Docker Desktop's virtual machine) the same table is read inside the
component by ``cat``. The format is documented in Linux, ``Documentation/networking/proc_net_tcp.rst``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

EPHEMERAL = range(32768, 61000)
"""Ports that the kernel gives to outgoing sockets: one that listens there by itself is no service."""

_LISTEN = "0A"
_OPEN = frozenset({"01", "04", "05", "08"})
"""ESTABLISHED, FIN_WAIT1, FIN_WAIT2 and CLOSE_WAIT: data may still flow."""

_ANY_V6 = "0" * 32
_MAPPED_V4 = bytes.fromhex("00000000000000000000ffff")


@dataclass(frozen=True, slots=True)
class Sockets:
    """A moment of a network namespace.

    Attributes:
        listening: ports in LISTEN that other containers reach over IPv4: not bound to loopback,
            nor to one IPv6 address.
        busy: local ports on which a connection is open, listening or not.
    """

    listening: frozenset[int] = frozenset()
    busy: frozenset[int] = frozenset()


Reader = Callable[[], Sockets | None]


def parse(tcp: Iterable[str], tcp6: Iterable[str]) -> Sockets:
    """Read the two tables.

    Args:
        tcp, tcp6: their lines, with or without the heading; lines of another form are skipped.
    """
    listening: set[int] = set()
    busy: set[int] = set()
    for line in (*tcp, *tcp6):
        fields = line.split(None, 4)
        if len(fields) < 4 or ":" not in fields[1]:
            continue
        address, _, port = fields[1].rpartition(":")
        state = fields[3]
        if state == _LISTEN:
            if _reachable(address):
                listening.add(int(port, 16))
        elif state in _OPEN:
            busy.add(int(port, 16))
    return Sockets(frozenset(listening), frozenset(busy))


def _reachable(address: str) -> bool:
    """Whether a socket bound to this address answers other machines over IPv4."""
    if address == _ANY_V6:
        return True  # dual-stack unless IPV6_V6ONLY is set, which the table does not tell
    words = bytes.fromhex(address)
    if sys.byteorder == "little":
        words = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    if len(words) == 16:
        if not words.startswith(_MAPPED_V4):
            return False
        words = words[12:]
    return words[0] != 127


def of_process(pid: int, container: str, proc: Path = Path("/proc")) -> Reader | None:
    """A reader of the namespace that a container's first process lives in.

    Args:
        pid: the process, as the engine numbers it.
        container: the container's full id. A process of this machine belongs to it only if its
            control group carries the id: the engine may run elsewhere, with numbers of its own.

    Returns:
        ``None`` if the process is not to be seen from here. The reader itself returns ``None``
        once the process has gone.
    """
    home = proc / str(pid)
    try:
        if container not in (home / "cgroup").read_text():
            return None
    except OSError:
        return None
    tables = (home / "net/tcp", home / "net/tcp6")

    def read() -> Sockets | None:
        texts: list[list[str]] = []
        for table in tables:
            try:
                texts.append(table.read_text().splitlines())
            except FileNotFoundError:
                texts.append([])  # a kernel without IPv6, or the process has just gone
            except OSError:
                return None
        return parse(*texts) if any(texts) else None

    return read


def of_output(output: str) -> Sockets:
    """The same from what ``cat /proc/net/tcp /proc/net/tcp6`` printed inside a component."""
    return parse(output.splitlines(), ())
