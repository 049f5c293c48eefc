"""The transport of a journey's requests: the interface of httpx over own connections.

The pool of httpx costs more per request the more requests are in flight (httpcore#1035), so a stall of
the system would stall the measurement. ``docs/load.md`` says what was measured, and why no library's
transport is used. A measurement needs this of it: a refused connection is a ConnectError, a connection
that the server closed is a RemoteProtocolError, and one that it reset is a ReadError. Paths are sent as
they are written. Time-outs are exact. A request is sent once, since repeating it would hide the failure
of the first and double the load.

All users of a load process share the connections. A connection carries one request at a time, and a
stalled one delays no other request. Only the limit on requests in flight bounds their number. The
connection that was used last is used next. An idle one is closed after a second, earlier than common
servers close it, so that a closing server is not taken for a failure.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable

import httpx

from chaoskit.load.guard import Guard
from chaoskit.load.http.connection import Connection, reason_of
from chaoskit.load.http.messages import PendingAnswer, head_of

IDLE_TIMEOUT = 1.0
"""Seconds after which an idle connection is closed."""


_DEFAULT_PORTS = {"http": 80, "https": 443}


class ForeignRequest(httpx.UnsupportedProtocol):
    """A journey requested a URL outside the system under test; nothing was sent."""


class Transport(httpx.AsyncBaseTransport):
    """An httpx transport; make it inside a running event loop.

    Args:
        guard: where requests may go.
        refused: called with every :class:`ForeignRequest`, since a journey may swallow it.
    """

    def __init__(self, guard: Guard, refused: Callable[[ForeignRequest], None] = lambda _: None) -> None:
        self._guard = guard
        self._refused = refused
        self._pools: dict[tuple[str, str, int | None, str | None], Pool] = {}

    @property
    def open(self) -> int:
        """How many connections are open."""
        return sum(pool.open for pool in self._pools.values())

    @property
    def most_open(self) -> int:
        """The most connections at once, summed over the origins."""
        return sum(pool.most_open for pool in self._pools.values())

    def pool_of(self, request: httpx.Request) -> Pool:
        """The pool of connections that carries a request.

        Raises:
            ForeignRequest: it would leave the system under test.
        """
        url = request.url
        key = (url.scheme, url.host, url.port, request.extensions.get("sni_hostname"))
        return self._pools.get(key) or self._new_pool(key, request)

    async def exchange(self, pool: Pool, head: bytes, request: httpx.Request) -> PendingAnswer:
        """Send a request in one piece, without time-outs, and wait for its whole answer.

        Raises:
            httpx.TransportError: as httpx documents.
        """
        connection = pool.idle() or await pool.connect(request)
        answer = PendingAnswer(whole=True, bodiless=request.method == "HEAD")
        connection.send(head, answer)
        try:
            await answer.wait()
        except BaseException:
            connection.drop(answer)
            raise
        answer.raise_for(request)
        return answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once, and return when the head of its answer has arrived.

        Raises:
            ForeignRequest: it would leave the system under test.
            httpx.TransportError: as httpx documents.
        """
        pool, head = self.pool_of(request), head_of(request)
        timeout = request.extensions.get("timeout") or {}
        connection = pool.idle() or await _connected(pool, request, timeout.get("connect"))
        answer = PendingAnswer(whole=False, bodiless=request.method == "HEAD")
        try:
            await _send(connection, head, answer, request)
            while not answer.headed and not answer.ended:
                await _wait_for_progress(answer, request, timeout.get("read"))
            answer.raise_for_head(request)
        except BaseException:
            connection.drop(answer)
            raise
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(connection, answer, request, timeout.get("read")),
            request=request,
            extensions={"http_version": answer.version, "reason_phrase": answer.reason},
        )

    async def aclose(self) -> None:
        """Do nothing: a user who closes the client must not close the connections of all users."""

    async def shut(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()
        while self.open:  # noqa: ASYNC110 - asyncio closes them in its next turn
            await asyncio.sleep(0)

    def _new_pool(self, key: tuple[str, str, int | None, str | None], request: httpx.Request) -> Pool:
        scheme, host, port, name = key
        if not self._guard.admits(scheme, host, port):
            place = f"{scheme}://{request.url.netloc.decode()}"
            refusal = ForeignRequest(
                f"{place} is not part of the system under test: nothing was sent", request=request
            )
            self._refused(refusal)
            raise refusal
        tls = (name or host) if scheme == "https" else None
        pool = self._pools[key] = Pool(host, port or _DEFAULT_PORTS[scheme], tls)
        return pool


class _Body(httpx.AsyncByteStream):
    """The body of an answer as it arrives."""

    def __init__(
        self, connection: Connection, answer: PendingAnswer, request: httpx.Request, timeout: float | None
    ) -> None:
        self._connection, self._answer = connection, answer
        self._request, self._timeout = request, timeout

    async def __aiter__(self) -> AsyncIterator[bytes]:
        answer = self._answer
        while True:
            while answer.body:
                piece = answer.body.popleft()
                answer.held -= len(piece)
                yield piece
            if answer.ended:
                break
            self._connection.resume(answer)
            await _wait_for_progress(answer, self._request, self._timeout)
        answer.raise_for(self._request)

    async def aclose(self) -> None:
        # An answer that is not read to its end would delay the next one.
        self._connection.drop(self._answer)


async def _connected(pool: Pool, request: httpx.Request, timeout: float | None) -> Connection:
    if timeout is None:
        return await pool.connect(request)
    try:
        async with asyncio.timeout(timeout):
            return await pool.connect(request)
    except TimeoutError:
        raise httpx.ConnectTimeout(f"no connection to {pool.place} in time", request=request) from None


async def _wait_for_progress(answer: PendingAnswer, request: httpx.Request, timeout: float | None) -> None:
    """Wait for the next piece of an answer."""
    if timeout is None:
        await answer.wait()
        return
    deadline = asyncio.timeout(timeout)
    try:
        async with deadline:
            await answer.wait()
    except TimeoutError:
        place = request.url.netloc.decode("ascii", "replace")
        raise httpx.ReadTimeout(f"no answer from {place} in time", request=request) from None


async def _send(connection: Connection, head: bytes, answer: PendingAnswer, request: httpx.Request) -> None:
    try:
        content = request.content
    except httpx.RequestNotRead:
        await _send_stream(connection, head, answer, request)
    else:
        connection.send(head + content, answer)


async def _send_stream(
    connection: Connection, head: bytes, answer: PendingAnswer, request: httpx.Request
) -> None:
    """Send a body as it is made; an answer that comes before its end stops it."""
    stream = request.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    chunked = "content-length" not in request.headers
    connection.send(head, answer, more=True)
    async for piece in stream:
        if answer.ended:
            connection.abort()  # the server would take the rest of the body for the next request
            return
        if piece:
            await connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    if chunked:
        await connection.write(b"0\r\n\r\n")
    connection.written()


class Pool:
    """Connections to one origin.

    Args:
        host, port: the server's.
        tls: the name that the server is asked for; ``None`` for plain HTTP. Certificates are not checked,
            since a test system signs its own.

    Attributes:
        place: host and port, for messages.
        open: how many connections are open.
        most_open: the most connections at once so far.
    """

    def __init__(self, host: str, port: int, tls: str | None = None) -> None:
        self._host, self._port, self._tls = host, port, tls
        self.place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._context = _unchecked_context() if tls is not None else None
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._loop = asyncio.get_running_loop()
        self._sweeper: asyncio.TimerHandle | None = None
        self.most_open = 0

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._all)

    def idle(self) -> Connection | None:
        """A free connection; ``None`` if there is none."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                if self._loop.time() - connection.idle_since < IDLE_TIMEOUT:
                    return connection
                connection.abort()
        return None

    async def connect(self, request: httpx.Request) -> Connection:
        """Open a connection.

        Raises:
            httpx.ConnectError: the server refuses, is unreachable, or its name is unknown.
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
        """Close all connections, busy ones too."""
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
        """A connection is established."""
        self._all.add(connection)
        self.most_open = max(self.most_open, len(self._all))

    def left(self, connection: Connection) -> None:
        """A connection is closed."""
        self._all.discard(connection)

    def freed(self, connection: Connection) -> None:
        """A connection can carry the next request."""
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(IDLE_TIMEOUT, self._sweep)

    def _sweep(self) -> None:
        idle, now = self._idle, self._loop.time()
        while idle and (not idle[0].usable or now - idle[0].idle_since >= IDLE_TIMEOUT):
            idle.popleft().abort()
        self._sweeper = self._loop.call_at(idle[0].idle_since + IDLE_TIMEOUT, self._sweep) if idle else None


def _unchecked_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
