"""The server under the load generators: it answers at once, with some 15 µs of CPU per request.

``python -m tests.bench.server`` prints its port. Stop the process to stall it.
"""

from __future__ import annotations

import asyncio
import socket

BODY = b'{"id": 1, "name": "a thing"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    b"Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %d\r\n\r\n%b"
) % (len(BODY), BODY)
_BUFFER = memoryview(bytearray(1 << 16))


class Answering(asyncio.BufferedProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""

    def get_buffer(self, sizehint: int) -> memoryview:
        """The buffer for the next bytes."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Answer each complete request; none of them has a body."""
        data = self._rest + bytes(_BUFFER[:nbytes])
        self._rest = data[data.rfind(b"\r\n\r\n") + 4 :] if b"\r\n\r\n" in data else data
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def main() -> None:
    """Serve until killed."""
    listening = socket.create_server(("127.0.0.1", 0))
    # Accept few at a time: otherwise all that came in a stall are accepted before any is answered ...
    server = await asyncio.get_running_loop().create_server(Answering, sock=listening, backlog=8)
    listening.listen(4096)  # ... but many may wait
    print(listening.getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
