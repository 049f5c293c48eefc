"""The way of a journey's requests: the httpx interface over aiohttp's connections.

httpx's own pool costs ever more per request the more are in flight (httpcore#1035), so a stall of
the system would stall the measurement. aiohttp's does not. This is a transport of our own and not
``httpx-aiohttp``'s, for what a measurement needs and that one (0.2.0) does otherwise: a refused
connection is a ConnectError (there ConnectTimeout), a connection closed by the server a
RemoteProtocolError (there ConnectTimeout), paths go out as they are written (there normalised
again), time-outs above five seconds are exact, and a request is sent once. aiohttp repeats
idempotent requests on a lost connection, which would hide resets and double the load.

All users of a load process share its connections, as they would behind a browser's HTTP proxy: a
connection carries one request at a time, a stalled one holds up nobody else, and there is no
limit on their number but that on requests in flight. An idle one is given up after one second,
earlier than common servers do it, so that a server's own closing is not taken for a failure.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable

import aiohttp
import httpx
from yarl import URL

from chaoskit.load.guard import Guard

KEEPALIVE = 1.0
_NEVER_CEIL = 1e9  # aiohttp rounds longer time-outs up to whole seconds; never do that
_UNLIMITED = aiohttp.ClientTimeout(total=None, ceil_threshold=_NEVER_CEIL)
# Headers that aiohttp would add; httpx has decided on all of them.
_HTTPX_DECIDES = ("User-Agent", "Content-Type", "Accept", "Accept-Encoding")


class ForeignRequest(httpx.UnsupportedProtocol):
    """A journey asked for a URL outside the system under test; nothing was sent."""


def translated(error: Exception, request: httpx.Request) -> httpx.TransportError:
    """What httpx itself would have raised for an error of aiohttp's."""
    place = request.url.netloc.decode("ascii", "replace")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(f"no connection to {place} in time", request=request)
    if isinstance(error, aiohttp.ServerTimeoutError):
        return httpx.ReadTimeout(f"no answer from {place} in time", request=request)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return httpx.ConnectError(f"{place}: name not found", request=request)
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx.ConnectError(f"{place}: {_reason(error.os_error)}", request=request)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return httpx.RemoteProtocolError(f"{place} closed the connection without an answer", request=request)
    if isinstance(error, aiohttp.ClientPayloadError):
        cause = error.__cause__
        if isinstance(cause, OSError):
            return httpx.ReadError(f"{place}: {_reason(cause)}", request=request)
        return httpx.RemoteProtocolError(f"{place} closed the connection within its answer", request=request)
    if isinstance(error, aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError(f"{place}: {error.message}", request=request)
    if isinstance(error, OSError):
        return httpx.ReadError(f"{place}: {_reason(error)}", request=request)
    return httpx.ReadError(f"{place}: {error}", request=request)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error) or type(error).__name__


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it comes in."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise translated(error, self._request) from error

    async def aclose(self) -> None:
        # Gives the connection back if the body was read to its end, else closes it.
        self._response.release()


class Transport(httpx.AsyncBaseTransport):
    """An httpx transport over one aiohttp session; make it inside a running event loop.

    Args:
        guard: where requests may go.
        refused: told of every :class:`ForeignRequest`, since a journey may swallow it.
    """

    def __init__(self, guard: Guard, refused: Callable[[ForeignRequest], None] = lambda _: None) -> None:
        self._guard = guard
        self._refused = refused
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=False,  # a test system signs its own certificates
                keepalive_timeout=KEEPALIVE,
                timeout_ceil_threshold=_NEVER_CEIL,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),  # each user's httpx client keeps its own
            timeout=_UNLIMITED,
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=_HTTPX_DECIDES,
        )
        self._session._retry_connection = False  # there is no public way

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, once, and return when the head of its answer is here.

        Raises:
            ForeignRequest: it would leave the system under test.
            httpx.TransportError: as httpx documents.
        """
        url = request.url
        if not self._guard.admits(url.scheme, url.host, url.port):
            place = f"{url.scheme}://{url.netloc.decode()}"
            refusal = ForeignRequest(
                f"{place} is not part of the system under test: nothing was sent", request=request
            )
            self._refused(refusal)
            raise refusal
        bare = f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"
        try:
            response = await self._session.request(
                request.method,
                URL(bare, encoded=True),
                headers=request.headers.multi_items(),
                data=_content(request),
                allow_redirects=False,
                timeout=_timeout(request),
                server_hostname=request.extensions.get("sni_hostname"),
            )
        except (aiohttp.ClientError, OSError) as error:
            raise translated(error, request) from error
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Body(response, request),
            request=request,
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": (response.reason or "").encode()},
        )

    async def aclose(self) -> None:
        """Nothing: a user who closes their client must not take everyone's connections along."""

    async def shut(self) -> None:
        """Close all connections."""
        await self._session.close()


def _content(request: httpx.Request) -> bytes | AsyncIterator[bytes] | None:
    try:
        return request.content or None
    except httpx.RequestNotRead:
        request.headers.pop("transfer-encoding", None)  # aiohttp adds its own
        stream = request.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        return stream.__aiter__()


def _timeout(request: httpx.Request) -> aiohttp.ClientTimeout:
    asked = request.extensions.get("timeout")
    if not asked or (asked.get("connect") is None and asked.get("read") is None):
        return _UNLIMITED
    connect = asked.get("connect")
    return aiohttp.ClientTimeout(
        total=None,
        connect=connect,
        sock_connect=connect,
        sock_read=asked.get("read"),
        ceil_threshold=_NEVER_CEIL,
    )
