"""HTTP messages: a request as bytes, and an answer as it arrives: head, body, and end or failure."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterable

import httpx

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FORBIDDEN = re.compile(rb"[\r\n\0]")


HeaderPairs = list[tuple[bytes, bytes]]


class PendingAnswer:
    """An answer in the making. The connection fills it, and the sender of the request waits for it.

    Args:
        whole: whether the sender waits for all of it. Otherwise each piece wakes the sender.
        bodiless: whether its request was a HEAD.

    Attributes:
        status, reason, version, headers: the head, once :attr:`headed`.
        body: the pieces of the body that were not taken yet.
        held: how many bytes these pieces have.
        complete: whether the answer is complete.
        error: why it will never be complete: the class of an httpx exception, and its message.
    """

    __slots__ = (
        "_waiter",
        "bodiless",
        "body",
        "complete",
        "error",
        "headed",
        "headers",
        "held",
        "reason",
        "status",
        "version",
        "whole",
    )

    def __init__(self, *, whole: bool, bodiless: bool) -> None:
        self.whole, self.bodiless = whole, bodiless
        self.status = 0
        self.reason, self.version = b"", b"HTTP/1.1"
        self.headers: HeaderPairs = []
        self.body: deque[bytes] = deque()
        self.held = 0
        self.headed = self.complete = False
        self.error: tuple[type[httpx.TransportError], str] | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.complete or self.error is not None

    def wait(self) -> asyncio.Future[None]:
        """A future of the next piece, or of the end if the whole is wanted; one at a time."""
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        if self.complete or self.error is not None:
            waiter.set_result(None)
        return waiter

    def wake(self) -> None:
        """Something has changed for the one who waits."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def fail(self, kind: type[httpx.TransportError], says: str) -> None:
        """Record why it will never be complete; only the first reason counts."""
        if not self.complete and self.error is None:
            self.error = (kind, says)
            self.wake()

    def raise_for_head(self, request: httpx.Request) -> None:
        """Raise the error if there is one and the head has not arrived."""
        if not self.headed:
            self.raise_for(request)

    def raise_for(self, request: httpx.Request) -> None:
        """Raise the error if there is one."""
        if self.error is not None:
            kind, says = self.error
            raise kind(says, request=request)


def request_line(method: str, url: httpx.URL) -> bytes:
    """``GET /path?query HTTP/1.1``, with the line break at its end."""
    return b"%b %b HTTP/1.1\r\n" % (method.encode("ascii", "replace"), url.raw_path or b"/")


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The headers, without the empty line after them."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def head_of(request: httpx.Request) -> bytes:
    """The head of a request as httpx made it; nothing is added, left out or normalised.

    Raises:
        httpx.LocalProtocolError: it has a character, such as a line break, that would make it another
            request.
    """
    headers = request.headers.raw
    check_headers(headers, request)
    if not _TOKEN.fullmatch(request.method.encode("ascii", "replace")):
        raise httpx.LocalProtocolError(f"{request.method!r} is not an HTTP method", request=request)
    return b"%b%b\r\n" % (request_line(request.method, request.url), header_lines(headers))


def check_headers(headers: Iterable[tuple[bytes, bytes]], request: httpx.Request | None = None) -> None:
    """Refuse headers with line breaks and other characters that no header may have.

    Raises:
        httpx.LocalProtocolError: there is one.
    """
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or _FORBIDDEN.search(value):
            raise httpx.LocalProtocolError(f"{name!r}: {value!r} is not a valid header", request=request)
