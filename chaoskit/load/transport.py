"""The way of a journey's requests: the httpx interface over connections of our own.

httpx's own pool costs ever more per request the more are in flight (httpcore#1035), so a stall of
the system would stall the measurement. ``docs/load.md`` has what was measured and why this is no
library's transport. What a measurement needs of it: a refused connection is a ConnectError, one
that the server closed a RemoteProtocolError, one that it reset a ReadError; paths go out as they
are written; time-outs are exact; and a request is sent once, for a repeated one would hide the
failure of the first and double the load.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx

from chaoskit.load.answer import Answer
from chaoskit.load.connection import Connection
from chaoskit.load.guard import Guard
from chaoskit.load.pool import Pool
from chaoskit.load.wire import head_of

_PORTS = {"http": 80, "https": 443}


class ForeignRequest(httpx.UnsupportedProtocol):
    """A journey asked for a URL outside the system under test; nothing was sent."""


class Transport(httpx.AsyncBaseTransport):
    """An httpx transport; make it inside a running event loop.

    Args:
        guard: where requests may go.
        refused: told of every :class:`ForeignRequest`, since a journey may swallow it.
    """

    def __init__(self, guard: Guard, refused: Callable[[ForeignRequest], None] = lambda _: None) -> None:
        self._guard = guard
        self._refused = refused
        self._pools: dict[tuple[str, str, int | None, str | None], Pool] = {}

    @property
    def open(self) -> int:
        """How many connections there are."""
        return sum(pool.open for pool in self._pools.values())

    @property
    def most_open(self) -> int:
        """How many there were at most, of each origin."""
        return sum(pool.most_open for pool in self._pools.values())

    def pool_of(self, request: httpx.Request) -> Pool:
        """The connections by which a request goes out.

        Raises:
            ForeignRequest: it would leave the system under test.
        """
        url = request.url
        key = (url.scheme, url.host, url.port, request.extensions.get("sni_hostname"))
        return self._pools.get(key) or self._new_pool(key, request)

    async def exchange(self, pool: Pool, head: bytes, request: httpx.Request) -> Answer:
        """Send a request that is all in one piece, without time-outs, and wait for all of its answer.

        Raises:
            httpx.TransportError: as httpx documents.
        """
        connection = pool.idle() or await pool.connect(request)
        answer = Answer(whole=True, bodiless=request.method == "HEAD")
        connection.send(head, answer)
        try:
            await answer.wait()
        except BaseException:
            connection.drop(answer)
            raise
        answer.raise_for(request)
        return answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, once, and return when the head of its answer is here.

        Raises:
            ForeignRequest: it would leave the system under test.
            httpx.TransportError: as httpx documents.
        """
        pool, head = self.pool_of(request), head_of(request)
        timeout = request.extensions.get("timeout") or {}
        connection = pool.idle() or await _connected(pool, request, timeout.get("connect"))
        answer = Answer(whole=False, bodiless=request.method == "HEAD")
        try:
            await _send(connection, head, answer, request)
            while not answer.headed and not answer.ended:
                await _progress(answer, request, timeout.get("read"))
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
        """Nothing: a user who closes their client must not take everyone's connections along."""

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
        pool = self._pools[key] = Pool(host, port or _PORTS[scheme], tls)
        return pool


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it comes in."""

    def __init__(
        self, connection: Connection, answer: Answer, request: httpx.Request, timeout: float | None
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
            await _progress(answer, self._request, self._timeout)
        answer.raise_for(self._request)

    async def aclose(self) -> None:
        # An answer that nobody reads to its end would hold up the next one.
        self._connection.drop(self._answer)


async def _connected(pool: Pool, request: httpx.Request, timeout: float | None) -> Connection:
    if timeout is None:
        return await pool.connect(request)
    try:
        async with asyncio.timeout(timeout):
            return await pool.connect(request)
    except TimeoutError:
        raise httpx.ConnectTimeout(f"no connection to {pool.place} in time", request=request) from None


async def _progress(answer: Answer, request: httpx.Request, timeout: float | None) -> None:
    """Wait for something to come in."""
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


async def _send(connection: Connection, head: bytes, answer: Answer, request: httpx.Request) -> None:
    try:
        content = request.content
    except httpx.RequestNotRead:
        await _send_stream(connection, head, answer, request)
    else:
        connection.send(head + content, answer)


async def _send_stream(connection: Connection, head: bytes, answer: Answer, request: httpx.Request) -> None:
    """Send a body as it is made; an answer that comes earlier ends it."""
    stream = request.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    chunked = "content-length" not in request.headers
    connection.send(head, answer, more=True)
    async for piece in stream:
        if answer.ended:
            connection.abort()  # the rest of the body would be taken for the next request
            return
        if piece:
            await connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    if chunked:
        await connection.write(b"0\r\n\r\n")
    connection.written()
