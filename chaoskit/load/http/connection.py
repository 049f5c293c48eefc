"""One connection to the system: requests go out one at a time, answers are parsed as they come in.

The parser is llhttp, Node's, by way of httptools. It takes bytes out of one buffer that all
connections share, for nothing of it is kept between two events.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Protocol, cast

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from chaoskit.load.http.messages import PendingAnswer

LONGEST_HEAD_BYTES = 1 << 20
HELD_BYTES = 1 << 20
"""So much of a body waits for a slow reader before the server has to wait, too."""

_CLOSED = "closed the connection without an answer"
_BUFFER = memoryview(bytearray(1 << 16))


class Home(Protocol):
    """What a connection belongs to."""

    def joined(self, connection: Connection) -> None:
        """It stands."""

    def left(self, connection: Connection) -> None:
        """It is gone."""

    def freed(self, connection: Connection) -> None:
        """It can carry the next request."""


class Connection(asyncio.BufferedProtocol):
    """A connection of a :class:`chaoskit.load.http.transport.Pool`.

    Args:
        place: host and port, for what people read.
        home: told of what becomes of it.

    Attributes:
        idle_since: when it became free, on the loop's clock.
    """

    def __init__(self, place: str, home: Home) -> None:
        self.idle_since = 0.0
        self._place = place
        self._home = home
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
        """Whether the next request may go out by it."""
        transport = self._transport
        return transport is not None and not transport.is_closing()

    def send(self, data: bytes, answer: PendingAnswer, *, more: bool = False) -> None:
        """Begin an exchange.

        Args:
            data: the request, or its head.
            answer: is filled.
            more: whether a body follows, by :meth:`write` and :meth:`written`.
        """
        if self._transport is None:  # it was closed in the moment since it was opened
            answer.fail(httpx.RemoteProtocolError, f"{self._place} {_CLOSED}")
            return
        self._answer, self._received, self._sending = answer, 0, more
        self._transport.write(data)

    async def write(self, data: bytes) -> None:
        """Send a piece of the body, and wait while the system takes no more."""
        if self._transport is not None:
            self._transport.write(data)
        if self._drained is not None:
            await self._drained

    def written(self) -> None:
        """The body is sent."""
        self._sending = False
        if self._answer is None:  # the answer was faster than the request
            self._release()

    def resume(self, answer: PendingAnswer) -> None:
        """What there was of a body has been taken: read on."""
        if self._answer is answer:
            self._read_on()

    def drop(self, answer: PendingAnswer) -> None:
        """Whoever waited has gone: if the answer is still to come nobody else may get it."""
        if self._answer is answer or self._sending:
            self.abort()

    def abort(self) -> None:
        """Close it at once."""
        self._answer = None
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._home.joined(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """They are here."""
        answer = self._answer
        if answer is None:  # nobody asked
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
            if self._received > LONGEST_HEAD_BYTES:
                says = f"{self._place}: the head of an answer is longer than {LONGEST_HEAD_BYTES} bytes"
                answer.fail(httpx.RemoteProtocolError, says)
                self.abort()
        if not answer.whole:
            answer.wake()
            if answer.held > HELD_BYTES and self._reading and self.usable and self._answer is answer:
                assert self._transport is not None
                self._reading = False
                self._transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._home.left(self)
        self.resume_writing()
        answer, self._answer, self._transport = self._answer, None, None
        if answer is None:
            return
        if isinstance(error, OSError):
            answer.fail(httpx.ReadError, f"{self._place}: {reason_of(error)}")
        elif not answer.headed:
            answer.fail(httpx.RemoteProtocolError, f"{self._place} {_CLOSED}")
        elif _framed(answer):
            answer.fail(httpx.RemoteProtocolError, f"{self._place} closed the connection within its answer")
        else:
            answer.complete = True
            answer.wake()

    def pause_writing(self) -> None:
        """The system takes no more for now."""
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """It does again."""
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        """The first byte of an answer; one that nobody asked for makes the next one doubtful."""
        if self._answer is None:
            self.abort()

    def on_status(self, reason: bytes) -> None:
        """The words of the status line, perhaps in pieces."""
        if self._answer is not None:
            self._answer.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody looks at."""
        answer = self._answer
        if answer is not None and not answer.headed:
            answer.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is here."""
        answer, parser = self._answer, self._parser
        if answer is None:
            return
        answer.status = status = parser.get_status_code()
        if status < 200 and status != 101:
            return  # an interim one; the answer is still to come
        self._keep = status != 101 and parser.should_keep_alive()
        answer.headed = True
        if parser.get_http_version() != "1.1":
            answer.version = b"HTTP/" + parser.get_http_version().encode("ascii")
        if answer.bodiless:
            # The parser would wait for a body that does not come.
            self._parser = HttpResponseParser(self)
            self._finish(answer)

    def on_body(self, piece: bytes) -> None:
        """Some of the body."""
        answer = self._answer
        if answer is None:
            self.abort()
        else:
            answer.body.append(piece)
            answer.held += len(piece)

    def on_message_complete(self) -> None:
        """An answer is at its end."""
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
            self.resume_writing()  # whoever waits to send the rest need not any more
        else:
            self._release()

    def _release(self) -> None:
        if self._keep and self.usable:
            self._read_on()
            self._home.freed(self)
        elif self._transport is not None:
            self._transport.close()

    def _read_on(self) -> None:
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()


def reason_of(error: OSError) -> str:
    """What the operating system says, in its own words."""
    if error.errno and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def _framed(answer: PendingAnswer) -> bool:
    """Whether the head says how long the body is; else it ends with the connection."""
    return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in answer.headers)
