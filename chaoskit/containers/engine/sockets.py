"""The TCP ports on which a component listens and that other containers can reach.

They are in the kernel's own table: ``/proc/<pid>/net/tcp`` and ``tcp6`` of any process in the
component's network namespace, which every user of the engine's machine can read. If the engine runs
elsewhere (in Docker Desktop's virtual machine), ``cat`` reads the same table inside the component.
The format is documented in Linux, ``Documentation/networking/proc_net_tcp.rst``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Protocol

import docker

from chaoskit.containers.engine.client import ENGINE_ERRORS

EPHEMERAL_PORTS = range(32768, 61000)
"""Ports that the kernel gives to outgoing sockets; a socket that listens on one is not a service."""

_LISTEN_STATE = "0A"
"""The kernel's code for LISTEN."""
_OPEN_STATES = frozenset({"01", "04", "05", "08"})
"""ESTABLISHED, FIN_WAIT1, FIN_WAIT2 and CLOSE_WAIT: data may still flow."""

_ANY_IPV6 = IPv6Address("::")
_IN_USE_COUNT = re.compile(r"^TCP6?: inuse \d+", re.MULTILINE)
_NOT_LISTENING_LINE = re.compile(r"\s*\d+: \S+ \S+ (?!0A )")
_LOCAL_ADDRESS = re.compile(r"(?:[0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4}")


@dataclass(frozen=True, slots=True)
class Sockets:
    """The sockets of a network namespace at one moment.

    Attributes:
        listening: ports in LISTEN that other containers can reach over IPv4. Ports that are bound to
            loopback or to a single IPv6 address are left out.
        busy: local ports with an open connection, whether something listens on them or not.
    """

    listening: frozenset[int] = frozenset()
    busy: frozenset[int] = frozenset()


class Reader(Protocol):
    """Reads the sockets of one network namespace, again and again."""

    def changed(self) -> bool:
        """Whether a socket may have come or gone since the last :meth:`read`; cheap."""
        ...

    def read(self, served: frozenset[int]) -> Sockets | None:
        """The sockets now; ``None`` once the component is down.

        Args:
            served: the ports on which it has listened so far. If it no longer listens on one of them,
                the busy ports are read too; otherwise ``busy`` is empty.
        """
        ...


def parse(tcp: Iterable[str], tcp6: Iterable[str]) -> Sockets:
    """Read the two tables.

    Args:
        tcp, tcp6: their lines, with or without the header line; lines of another form are skipped.
    """
    listening: set[int] = set()
    busy: set[int] = set()
    for address, port, state in rows((*tcp, *tcp6)):
        if state in _OPEN_STATES:
            busy.add(port)
        elif state == _LISTEN_STATE and _reachable(address):
            listening.add(port)
    return Sockets(frozenset(listening), frozenset(busy))


def rows(table: Iterable[str]) -> Iterator[tuple[str, int, str]]:
    """The local address (as the kernel writes it), local port and state in each line of a table."""
    for line in table:
        fields = line.split(None, 4)
        if len(fields) > 3 and _LOCAL_ADDRESS.fullmatch(fields[1]):
            address, _, port = fields[1].partition(":")
            yield address, int(port, 16), fields[3]


def address_of(text: str) -> IPv4Address | IPv6Address:
    """An address of the table, which is in hexadecimal words of 32 bits in the machine's byte order."""
    packed = bytes.fromhex(text)
    if sys.byteorder == "little":
        packed = b"".join(packed[at : at + 4][::-1] for at in range(0, len(packed), 4))
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def _reachable(text: str) -> bool:
    """Whether a socket that is bound to this address answers other machines over IPv4."""
    address = address_of(text)
    if isinstance(address, IPv6Address):
        if address == _ANY_IPV6:
            return True  # dual-stack unless IPV6_V6ONLY is set, which the table does not show
        mapped = address.ipv4_mapped
        return mapped is not None and not mapped.is_loopback
    return not address.is_loopback


def reader_of_process(pid: int, container: str, proc: Path = Path("/proc")) -> Reader | None:
    """A reader of the network namespace of a container's first process.

    Args:
        pid: the process, as the engine numbers it.
        container: the container's full id. A process of this machine belongs to the container only if
            its control group carries the id, because the engine may run elsewhere and have its own
            process numbers.

    Returns:
        ``None`` if the process cannot be seen from this machine.
    """
    home = proc / str(pid)
    try:
        if container not in (home / "cgroup").read_text():
            return None
    except OSError:
        return None
    return _ProcessReader(home / "net")


class _ProcessReader:
    """Reads the tables of a process's network namespace.

    Reading a table costs milliseconds, however few sockets it has, because the kernel searches a hash
    table of the whole machine. Reading the number of sockets costs microseconds, and shows whether
    anything can have changed.
    """

    def __init__(self, net: Path) -> None:
        self._tables = (net / "tcp", net / "tcp6")
        self._counters = (net / "sockstat", net / "sockstat6")
        self._counted: tuple[str, ...] = ()

    def changed(self) -> bool:
        return not self._counted or self._count() != self._counted

    def read(self, served: frozenset[int]) -> Sockets | None:
        # Count first, so that a socket that comes during the reading counts as a change.
        self._counted = self._count()
        heads = [_lines(table, listening=True) for table in self._tables]
        if not any(heads):
            return None
        found = parse(*heads)
        if served <= found.listening:
            return found
        return parse(*(_lines(table) for table in self._tables))

    def _count(self) -> tuple[str, ...]:
        counted = []
        for counter in self._counters:
            try:
                found = _IN_USE_COUNT.search(counter.read_text())
            except OSError:  # no IPv6, or the process has ended
                found = None
            counted.append(found.group() if found else "")
        return tuple(counted)


def _lines(table: Path, *, listening: bool = False) -> list[str]:
    """The lines of a table; with ``listening``, only those before the first socket in another state.

    The kernel lists the sockets in LISTEN first, and generates the other lines only as they are read. So
    watching a provider with thousands of connections costs no more than watching an idle one.
    """
    found = []
    with suppress(OSError), table.open() as file:  # no IPv6, or the process has just ended
        for line in file:
            if listening and _NOT_LISTENING_LINE.match(line):
                break
            found.append(line)
    return found


def parse_output(output: str) -> Sockets:
    """Read the output of ``cat /proc/net/tcp /proc/net/tcp6`` inside a component."""
    return parse(output.splitlines(), ())


_TABLE_PATHS = ("/proc/net/tcp", "/proc/net/tcp6")


class InsideReader:
    """A :class:`Reader` that runs ``cat`` in the container.

    Args:
        client: the engine.
        container: the container's id.
        declared: ports that count as listening if the image has no ``cat``, because then the real ones
            cannot be read.
    """

    def __init__(self, client: docker.DockerClient, container: str, declared: Iterable[int]) -> None:
        self._api = client.api
        self._container = container
        self._declared = frozenset(declared)
        self._last: Sockets | None = None

    def changed(self) -> bool:
        """Always true, because there is no cheap way to tell."""
        return True

    def read(self, served: frozenset[int]) -> Sockets | None:
        """The sockets now, or the last reading while the container is paused or between two starts."""
        try:
            execution = self._api.exec_create(self._container, ["cat", *_TABLE_PATHS])["Id"]
            output: bytes = self._api.exec_start(execution)
        except ENGINE_ERRORS:
            return self._last
        if b"local_address" in output:
            self._last = parse_output(output.decode(errors="replace"))
        else:
            self._last = Sockets(self._declared)
        return self._last
