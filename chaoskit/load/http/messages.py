"""What comes back for one request, as it comes in: head, body, end or failure.

Requests as bytes.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterable

import httpx

Pairs = list[tuple[bytes, bytes]]


class PendingAnswer:
    """An answer in the making. The connection fills it; whoever sent the request waits for it.

    Args:
        whole: whether the one who waits wants all of it at once. Else each piece wakes them.
        bodiless: whether its request was a HEAD.

    Attributes:
        status, reason, version, headers: the head, once :attr:`headed`.
        body: the pieces of the body that nobody has taken yet.
        held: how many bytes they are.
        complete: whether it has come to its end.
        error: why it never will; an httpx exception's class and what to say.
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
        self.headers: Pairs = []
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
        """Done with the next piece, or with the end where the whole is wanted; one waiter at a time."""
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
        """It will never be complete; said once."""
        if not self.complete and self.error is None:
            self.error = (kind, says)
            self.wake()

    def raise_for_head(self, request: httpx.Request) -> None:
        """Raise what kept its head from coming, if anything did."""
        if not self.headed:
            self.raise_for(request)

    def raise_for(self, request: httpx.Request) -> None:
        """Raise what kept it from being complete, if anything did."""
        if self.error is not None:
            kind, says = self.error
            raise kind(says, request=request)


_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BREAKS = re.compile(rb"[\r\n\0]")


def request_line(method: str, url: httpx.URL) -> bytes:
    """``GET /path?query HTTP/1.1``, with its line break."""
    return b"%b %b HTTP/1.1\r\n" % (method.encode("ascii", "replace"), url.raw_path or b"/")


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The headers, without the empty line after them."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def head_of(request: httpx.Request) -> bytes:
    """The head of a request as httpx made it: nothing is added, left out or normalised.

    Raises:
        httpx.LocalProtocolError: a line break in it would make another request of it.
    """
    headers = request.headers.raw
    check(headers, request)
    if not _TOKEN.fullmatch(request.method.encode("ascii", "replace")):
        raise httpx.LocalProtocolError(f"{request.method!r} is no method", request=request)
    return b"%b%b\r\n" % (request_line(request.method, request.url), header_lines(headers))


def check(headers: Iterable[tuple[bytes, bytes]], request: httpx.Request | None = None) -> None:
    """Look for line breaks and other things that no header may have.

    Raises:
        httpx.LocalProtocolError: there are.
    """
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or _BREAKS.search(value):
            raise httpx.LocalProtocolError(f"{name!r}: {value!r} is no header", request=request)
