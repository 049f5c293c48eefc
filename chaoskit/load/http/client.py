"""An ``httpx.AsyncClient`` that costs less: work that is the same for each request is done once.

Everything that httpx can do still works, and httpx does most of it. Only plain requests take a short
way. In these httpx spends its time on features that the request does not use: it merges and parses
each URL anew, runs an authentication that is not set, and searches each answer for cookies as the
standard library does, which takes longer than sending the request.

The short way relies on a few private names of httpx. So only the versions that it was written for take
it, and all others go httpx's own way. ``tests/load/http/test_client.py`` compares the results of both.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Coroutine
from copy import copy
from functools import lru_cache
from time import perf_counter
from typing import Any, Self

import httpx
from httpx import USE_CLIENT_DEFAULT
from httpx._client import ClientState

from chaoskit.load.http.messages import PendingAnswer, check_headers, head_of, header_lines, request_line
from chaoskit.load.http.transport import Transport

KNOWN_VERSION = httpx.__version__.startswith("0.28.")
"""Whether this is a version of httpx whose private names are known."""

_BODILESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_EMPTY_BODY = httpx.ByteStream(b"")
_NO_TIMEOUTS = {"connect": None, "read": None, "write": None, "pool": None}
_logger = logging.getLogger("httpx")  # httpx logs each request there


class Client(httpx.AsyncClient):
    """A client that takes the short way where it can.

    Args:
        transport: carries the requests; the short way needs a :class:`Transport`.
        options: see ``httpx.AsyncClient``.
    """

    def __init__(self, *, transport: httpx.AsyncBaseTransport, **options: Any) -> None:
        super().__init__(transport=transport, **options)
        self._short = transport if KNOWN_VERSION and isinstance(transport, Transport) else None
        self._seen_headers: list[Any] | None = None
        self._common = httpx.Headers()
        self._lines: bytes | None = None
        self._seen_base: httpx.URL | None = None
        self._base = ""
        self._base_text()
        self._header_lines()

    def twin(self) -> Self:
        """Another client with the same options, and with cookies, headers and hooks of its own.

        It costs a tenth of a new client, and each user needs one.
        """
        twin = copy(self)
        twin._headers = httpx.Headers(self._headers)
        twin._cookies = httpx.Cookies(self._cookies)
        twin._event_hooks = {event: list(hooks) for event, hooks in self._event_hooks.items()}
        return twin

    def get(self, url: httpx.URL | str, **options: Any) -> Coroutine[Any, Any, httpx.Response]:
        """As ``httpx.AsyncClient.get``."""
        return self.request("GET", url, **options)

    async def request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Response:
        """As ``httpx.AsyncClient.request``."""
        short = self._short
        if (
            short is None
            or options
            or method not in _BODILESS_METHODS
            or not _is_url(url)
            or not self._is_plain()
            or self._params
        ):
            return await super().request(method, url, **options)
        target, line, host = _place(self._base_text(), str(url), method)
        lines = self._header_lines()
        if lines is None or not line:
            return await super().request(method, target, **options)
        headers = httpx.Headers(self._common)
        headers._list.insert(0, host)
        request = httpx.Request(
            method, target, headers=headers, stream=_EMPTY_BODY, extensions={"timeout": _NO_TIMEOUTS}
        )
        request._content = b""
        if self._cookies:
            self._cookies.set_cookie_header(request)
            return await self._exchange(short, request, head_of(request), self.follow_redirects)
        return await self._exchange(short, request, line + lines, self.follow_redirects)

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        """As ``httpx.AsyncClient.build_request``."""
        if KNOWN_VERSION and _is_url(url):
            url = _place(self._base_text(), str(url), method)[0]
        return super().build_request(method, url, **options)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As ``httpx.AsyncClient.send``."""
        short, follow = self._short, options.get("follow_redirects", USE_CLIENT_DEFAULT)
        if (
            short is None
            or options.get("stream")
            or options.get("auth", USE_CLIENT_DEFAULT) is not USE_CLIENT_DEFAULT
            or not self._is_plain()
            or request.url.userinfo
            or request.extensions.get("timeout") != _NO_TIMEOUTS
            or not hasattr(request, "_content")
        ):
            return await super().send(request, **options)
        follow = self.follow_redirects if follow is USE_CLIENT_DEFAULT else bool(follow)
        return await self._exchange(short, request, head_of(request) + request.content, follow)

    def _is_plain(self) -> bool:
        """Whether this client only sends requests, without authentication, hooks, mounts or time-outs."""
        hooks = self._event_hooks
        if (
            self._auth is not None
            or self._mounts
            or hooks["request"]
            or hooks["response"]
            or self._state is ClientState.CLOSED
            or self._timeout.read is not None
            or self._timeout.connect is not None
        ):
            return False
        self._state = ClientState.OPENED
        return True

    def _base_text(self) -> str:
        if self._base_url is not self._seen_base:
            self._seen_base, self._base = self._base_url, str(self._base_url)
        return self._base

    def _header_lines(self) -> bytes | None:
        """This client's headers as they are sent; ``None`` if they include one that each request sets."""
        now: list[Any] = self._headers._list
        if now != self._seen_headers:
            self._seen_headers = list(now)
            self._common = httpx.Headers(self._headers)
            pairs = self._common.raw
            special = {b"host", b"cookie", b"content-length", b"transfer-encoding"}
            if special.isdisjoint(name.lower() for name, _ in pairs):
                check_headers(pairs)
                self._lines = header_lines(pairs) + b"\r\n"
            else:
                self._lines = None
        return self._lines

    async def _exchange(
        self, transport: Transport, request: httpx.Request, data: bytes, follow: bool
    ) -> httpx.Response:
        pool = transport.pool_of(request)
        began = perf_counter()
        answer = await transport.exchange(pool, data, request)
        cookies, coded = _special_headers(answer)
        response = _response(answer, request, self._default_encoding)
        if coded:
            await response.aread()
        else:
            _mark_as_read(response, answer)
        response.elapsed = datetime.timedelta(seconds=perf_counter() - began)
        if cookies:
            self._cookies.extract_cookies(response)
        if _logger.isEnabledFor(logging.INFO):
            _logger.info(
                'HTTP Request: %s %s "%s %d %s"',
                request.method,
                request.url,
                response.http_version,
                response.status_code,
                response.reason_phrase,
            )
        if 300 <= answer.status < 400 and response.has_redirect_location:
            onward = self._build_redirect_request(request, response)
            if not follow:
                response.next_request = onward
                return response
            response = await self._send_handling_redirects(onward, True, [response])
            await response.aread()
        return response


def _is_url(url: object) -> bool:
    return isinstance(url, (str, httpx.URL))


@lru_cache(maxsize=8192)
def _place(base: str, url: str, method: str) -> tuple[httpx.URL, bytes, tuple[bytes, bytes, bytes]]:
    """The whole URL, the request line with the Host header, and that header as httpx stores it."""
    merged = _merged(base, url)
    if merged.userinfo or not merged.host:
        return merged, b"", (b"", b"", b"")
    host = merged.netloc
    line = b"%bHost: %b\r\n" % (request_line(method, merged), host)
    return merged, line, (b"Host", b"host", host)


def _merged(base: str, url: str) -> httpx.URL:
    """Merge a base URL and a URL as ``httpx.AsyncClient`` does."""
    asked = httpx.URL(url)
    if not asked.is_relative_url:
        return asked
    front = httpx.URL(base)
    return front.copy_with(raw_path=front.raw_path + asked.raw_path.lstrip(b"/"))


def _special_headers(answer: PendingAnswer) -> tuple[bool, bool]:
    """Whether the answer sets cookies, and whether its body is encoded."""
    cookies = coded = False
    for name, _ in answer.headers:
        length = len(name)
        if length == 10:
            cookies = cookies or name.lower() == b"set-cookie"
        elif length == 16:
            coded = coded or name.lower() == b"content-encoding"
    return cookies, coded


def _response(answer: PendingAnswer, request: httpx.Request, encoding: Any) -> httpx.Response:
    body = answer.body
    content = body[0] if len(body) == 1 else b"".join(body)
    return httpx.Response(
        answer.status,
        headers=answer.headers,
        stream=httpx.ByteStream(content),
        request=request,
        extensions={"http_version": answer.version, "reason_phrase": answer.reason},
        default_encoding=encoding,
    )


def _mark_as_read(response: httpx.Response, answer: PendingAnswer) -> None:
    """Mark a response as read, since its body is here already."""
    body = answer.body
    response._content = body[0] if len(body) == 1 else b"".join(body)
    response._num_bytes_downloaded = answer.held
    response.is_closed = response.is_stream_consumed = True
