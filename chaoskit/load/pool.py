"""The connections of a load process, shared by all its users.

A connection carries one request at a time, a stalled one holds up nobody else, and there is no
limit on their number but that on requests in flight. The one used last is used next; an idle one
is given up after a second, earlier than common servers do it, so that a server's own closing is
not taken for a failure.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections import deque

import httpx

from chaoskit.load.connection import Connection, reason_of

KEEPALIVE = 1.0
"""Seconds."""


class Pool:
    """Connections to one origin.

    Args:
        host, port: where to.
        tls: the name that the server is asked for, or ``None`` for plain HTTP. Certificates are not
            checked: a test system signs its own.

    Attributes:
        place: host and port, for what people read.
        open: how many connections there are.
        most_open: how many there were at most.
    """

    def __init__(self, host: str, port: int, tls: str | None = None) -> None:
        self._host, self._port, self._tls = host, port, tls
        self.place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._context = _unchecked() if tls is not None else None
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._loop = asyncio.get_running_loop()
        self._sweeper: asyncio.TimerHandle | None = None
        self.most_open = 0

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._all)

    def idle(self) -> Connection | None:
        """A connection that is free, or nothing."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                if self._loop.time() - connection.idle_since < KEEPALIVE:
                    return connection
                connection.abort()
        return None

    async def connect(self, request: httpx.Request) -> Connection:
        """Open a connection.

        Raises:
            httpx.ConnectError: it is refused, unreachable, or its name is not known.
        """
        try:
            addresses = await self._addresses()
        except socket.gaierror as error:
            raise httpx.ConnectError(f"{self.place}: name not found", request=request) from error
        failure: OSError | None = None
        for address in addresses:
            try:
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self.place, self),
                    address,
                    self._port,
                    ssl=self._context,
                    server_hostname=self._tls,
                )
            except OSError as error:
                failure = error
            else:
                return connection
        assert failure is not None
        raise httpx.ConnectError(f"{self.place}: {reason_of(failure)}", request=request) from failure

    def close(self) -> None:
        """Close all of them, busy ones too."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in tuple(self._all):
            connection.abort()

    async def _addresses(self) -> list[str]:
        try:
            ipaddress.ip_address(self._host)
        except ValueError:
            found = await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            return [str(address[0]) for *_, address in found]
        return [self._host]

    def joined(self, connection: Connection) -> None:
        """A connection stands."""
        self._all.add(connection)
        self.most_open = max(self.most_open, len(self._all))

    def left(self, connection: Connection) -> None:
        """A connection is gone."""
        self._all.discard(connection)

    def freed(self, connection: Connection) -> None:
        """A connection can carry the next request."""
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(KEEPALIVE, self._sweep)

    def _sweep(self) -> None:
        idle, now = self._idle, self._loop.time()
        while idle and (not idle[0].usable or now - idle[0].idle_since >= KEEPALIVE):
            idle.popleft().abort()
        self._sweeper = self._loop.call_at(idle[0].idle_since + KEEPALIVE, self._sweep) if idle else None


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
