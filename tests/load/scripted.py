"""A server in the test's own event loop that answers with exactly the bytes that the test gives it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Answering = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

CLOSE = b""
"""In place of an answer: close the connection."""


@dataclass
class Scripted:
    """What the server saw.

    Attributes:
        heads: the heads of the requests.
        bodies: their bodies, as long as their Content-Length says.
        connections: how many connections were made.
    """

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def answering(*script: Answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """Answer the requests of all connections in turn with the answers of the script."""
    seen, left, open_ = Scripted(), list(script), set[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        open_.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            while left:
                head = await reader.readuntil(b"\r\n\r\n")
                seen.heads.append(head)
                lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                answer = left.pop(0)
                if callable(answer):
                    await answer(reader, writer)
                    continue
                seen.bodies.append(await reader.readexactly(int(lines.get(b"content-length", b"0"))))
                writer.write(answer)
                await writer.drain()
                if answer == CLOSE or b"until close" in answer:
                    break
            else:
                await reader.read()
        writer.close()
        with contextlib.suppress(OSError):  # the loop closes its socket one turn later
            await writer.wait_closed()
        open_.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for writer in tuple(open_):
            writer.close()
        while open_:  # noqa: ASYNC110 - each notices its end one turn of the loop later
            await asyncio.sleep(0.001)
