"""A small HTTP server on 127.0.0.1 that keeps every request with its moments."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Self

_CLOSING_TURNS = 8
"""Turns of the loop until a connection that was just accepted is registered, and closed."""


@dataclass
class Seen:
    """One request, as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    answered: float | None = None


@dataclass
class Server:
    """Runs in a thread. ``/ok`` answers, except between :meth:`stall` and :meth:`resume`.

    ``/status/N`` answers with N, ``/hang`` never, ``/drop`` closes without an answer, ``/half``
    closes within one, ``/cookie`` sets a cookie that counts up, ``/redirect`` leads to ``/ok``.
    """

    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    open: set[asyncio.Transport] = field(default_factory=set)
    waiting: list[Callable[[], None]] | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    def stall(self) -> None:
        """Answer nothing from here on."""
        self.waiting = []

    def resume(self) -> float:
        """Answer what waits, and all that comes; returns a moment before the first of these answers."""
        at = monotonic()
        asyncio.run_coroutine_threadsafe(self._resume(), self._loop).result(30)
        return at

    async def _resume(self) -> None:
        waiting, self.waiting = self.waiting, None
        for answer in waiting or ():
            answer()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for _ in range(_CLOSING_TURNS):
            for transport in list(self.open):
                transport.abort()
            self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class _Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections += 1
        self._server.open.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            method, path, _ = first.split(" ")
            seen = Seen(method, path, headers, rest[:length], monotonic())
            self._server.seen.append(seen)
            self._act(seen)

    def _act(self, seen: Seen) -> None:
        _, what, *more = seen.path.partition("?")[0].split("/")
        match what:
            case "hang":
                pass
            case "drop":
                self._transport.close()
            case "half":
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                self._transport.close()
            case "status":
                self._answer(seen, int(more[0]))
            case "redirect":
                self._answer(seen, 302, "Location: /ok\r\n")
            case "cookie":
                self._answer(seen, 200, f"Set-Cookie: visitor={len(self._server.seen)}\r\n")
            case _:
                if self._server.waiting is None:
                    self._answer(seen)
                else:
                    self._server.waiting.append(partial(self._answer, seen))

    def _answer(self, seen: Seen, status: int = 200, headers: str = "") -> None:
        if self._transport.is_closing():
            return
        seen.answered = monotonic()
        self._transport.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 2\r\n{headers}\r\nok".encode())
