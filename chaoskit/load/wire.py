"""Requests as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx

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
