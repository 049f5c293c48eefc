"""One connection to the system: it sends one request at a time and parses the answers as they arrive.

The parser is Node's llhttp, through httptools. All connections share the buffer that it reads from,
since no bytes stay there between two events.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Protocol, cast

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from chaoskit.load.http.messages import PendingAnswer

MOST_HEAD_BYTES = 1 << 20
"""Bytes that the head of an answer may have."""

MOST_HELD_BYTES = 1 << 20
"""Bytes of a body that wait for a slow reader before the server has to wait, too."""

_CLOSED_EARLY = "closed the connection without an answer"
_BUFFER = memoryview(bytearray(1 << 16))


class ConnectionOwner(Protocol):
    """The pool that a connection belongs to."""

    def joined(self, connection: Connection) -> None:
        """A connection is established."""

    def left(self, connection: Connection) -> None:
        """A connection is closed."""

    def freed(self, connection: Connection) -> None:
        """A connection can carry the next request."""


class Connection(asyncio.BufferedProtocol):
    """A connection of a :class:`chaoskit.load.http.transport.Pool`.

    Args:
        place: host and port, for messages.
        owner: is told when the connection is established, free, and closed.

    Attributes:
        idle_since: when it became free, in seconds of the loop's clock.
    """

    def __init__(self, place: str, owner: ConnectionOwner) -> None:
        self.idle_since = 0.0
        self._place = place
        self._owner = owner
        self._answer: PendingAnswer | None = None
        self._parser = HttpResponseParser(self)
        self._received = 0
        self._sending = False
        self._keep = False
        self._reading = True
        self._drained: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def usable(self) -> bool:
        """Whether it can carry the next request."""
        transport = self._transport
        return transport is not None and not transport.is_closing()

    def send(self, data: bytes, answer: PendingAnswer, *, more: bool = False) -> None:
        """Start an exchange.

        Args:
            data: the request, or its head.
            answer: takes the answer.
            more: whether a body follows through :meth:`write` and :meth:`written`.
        """
        if self._transport is None:  # it was closed just after it was opened
            answer.fail(httpx.RemoteProtocolError, f"{self._place} {_CLOSED_EARLY}")
            return
        self._answer, self._received, self._sending = answer, 0, more
        self._transport.write(data)

    async def write(self, data: bytes) -> None:
        """Send a piece of the body, and wait until the system takes more."""
        if self._transport is not None:
            self._transport.write(data)
        if self._drained is not None:
            await self._drained

    def written(self) -> None:
        """The body was sent."""
        self._sending = False
        if self._answer is None:  # the answer came before the request was complete
            self._release()

    def resume(self, answer: PendingAnswer) -> None:
        """The pieces of the body were taken: read on."""
        if self._answer is answer:
            self._read_on()

    def drop(self, answer: PendingAnswer) -> None:
        """The caller waits no more: close the connection if its answer may still come, which no other request
        may get.
        """
        if self._answer is answer or self._sending:
            self.abort()

    def abort(self) -> None:
        """Close it at once."""
        self._answer = None
        if self._transport is not None:
            self._transport.abort()

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell the owner that the connection is established."""
        self._transport = cast(asyncio.Transport, transport)  # that of uvloop is not a subclass
        self._owner.joined(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """The buffer for the next bytes."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Parse the bytes that are in the buffer."""
        answer = self._answer
        if answer is None:  # bytes without a request
            self.abort()
            return
        try:
            self._parser.feed_data(_BUFFER[:nbytes])
        except HttpParserUpgrade:
            self.abort()
        except HttpParserError as error:
            cause = error.__context__
            answer.fail(httpx.RemoteProtocolError, f"{self._place}: {cause or error}")
            self.abort()
        if not answer.headed:
            self._received += nbytes
            if self._received > MOST_HEAD_BYTES:
                says = f"{self._place}: the head of an answer is longer than {MOST_HEAD_BYTES} bytes"
                answer.fail(httpx.RemoteProtocolError, says)
                self.abort()
        if not answer.whole:
            answer.wake()
            if answer.held > MOST_HELD_BYTES and self._reading and self.usable and self._answer is answer:
                assert self._transport is not None
                self._reading = False
                self._transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """End the answer that was under way, and tell the owner."""
        self._owner.left(self)
        self.resume_writing()
        answer, self._answer, self._transport = self._answer, None, None
        if answer is None:
            return
        if isinstance(error, OSError):
            answer.fail(httpx.ReadError, f"{self._place}: {reason_of(error)}")
        elif not answer.headed:
            answer.fail(httpx.RemoteProtocolError, f"{self._place} {_CLOSED_EARLY}")
        elif _has_length(answer):
            answer.fail(
                httpx.RemoteProtocolError, f"{self._place} closed the connection in the middle of its answer"
            )
        else:
            answer.complete = True
            answer.wake()

    def pause_writing(self) -> None:
        """Make :meth:`write` wait: the system takes no more for now."""
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let :meth:`write` go on."""
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    # Called by the parser.

    def on_message_begin(self) -> None:
        """The first byte of an answer. After one without a request, the next answer could not be trusted."""
        if self._answer is None:
            self.abort()

    def on_status(self, reason: bytes) -> None:
        """The reason phrase of the status line, perhaps in pieces."""
        if self._answer is not None:
            self._answer.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which is ignored."""
        answer = self._answer
        if answer is not None and not answer.headed:
            answer.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is complete."""
        answer, parser = self._answer, self._parser
        if answer is None:
            return
        answer.status = status = parser.get_status_code()
        if status < 200 and status != 101:
            return  # an interim answer; the final one follows
        self._keep = status != 101 and parser.should_keep_alive()
        answer.headed = True
        if parser.get_http_version() != "1.1":
            answer.version = b"HTTP/" + parser.get_http_version().encode("ascii")
        if answer.bodiless:
            # Otherwise the parser would wait for a body that does not come.
            self._parser = HttpResponseParser(self)
            self._finish(answer)

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        answer = self._answer
        if answer is None:
            self.abort()
        else:
            answer.body.append(piece)
            answer.held += len(piece)

    def on_message_complete(self) -> None:
        """The answer is complete."""
        answer = self._answer
        if answer is None:
            return
        if answer.headed:
            self._finish(answer)
        else:
            answer.reason = b""
            answer.headers.clear()

    def _finish(self, answer: PendingAnswer) -> None:
        self._answer = None
        answer.complete = True
        answer.wake()
        if self._sending:
            self.resume_writing()  # the rest of the request need not be sent any more
        else:
            self._release()

    def _release(self) -> None:
        if self._keep and self.usable:
            self._read_on()
            self._owner.freed(self)
        elif self._transport is not None:
            self._transport.close()

    def _read_on(self) -> None:
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()


def reason_of(error: OSError) -> str:
    """The operating system's own words for an error."""
    if error.errno and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def _has_length(answer: PendingAnswer) -> bool:
    """Whether the head says how long the body is. Otherwise the body ends with the connection."""
    return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in answer.headers)
