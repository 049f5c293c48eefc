"""A server on this machine that treats each connection as the test wants."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Treatment = Callable[[socket.socket], None]
"""Serves a connection; the server closes it afterwards."""


@dataclass
class Server:
    """Where the server listens, and what it received.

    Attributes:
        address: its address and port.
        peers: the source address of each connection, in order.
        requests: the text of each request.
    """

    address: tuple[str, int]
    peers: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def asked(self, connection: socket.socket) -> Iterator[str]:
        """The requests on a connection."""
        text = b""
        while True:
            while b"\r\n\r\n" not in text:
                data = connection.recv(65_536)
                if not data:
                    return
                text += data
            request, _, text = text.partition(b"\r\n\r\n")
            self.requests.append(request.decode())
            yield self.requests[-1]


@contextmanager
def serving(treat: Callable[[Server, socket.socket], None]) -> Iterator[Server]:
    """Listen while the block runs; each connection is served in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = Server(listener.getsockname())
        threads: list[threading.Thread] = []
        last: tuple[str, int] | None = None

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                treat(server, connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, peer = listener.accept()
                    if peer == last:
                        connection.close()
                        return
                    server.peers.append(peer[0])
                    threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield server
        # All that wait to be accepted come before this one.
        with socket.socket() as goodbye:
            goodbye.bind(("127.0.0.1", 0))
            last = goodbye.getsockname()
            goodbye.connect(server.address)
            accepting.join(30)
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a connection of the flood is still open"


def answering(answer: bytes) -> Callable[[Server, socket.socket], None]:
    """Give the same answer to each request, and keep the connection."""

    def treat(server: Server, connection: socket.socket) -> None:
        for _ in server.asked(connection):
            connection.sendall(answer)

    return treat


def answering_once(answer: bytes) -> Callable[[Server, socket.socket], None]:
    """Give one answer, which may be empty, then close the connection in order."""

    def treat(server: Server, connection: socket.socket) -> None:
        for _ in server.asked(connection):
            connection.sendall(answer)
            return

    return treat


def resetting(server: Server, connection: socket.socket) -> None:
    """Reset the connection instead of giving an answer."""
    for _ in server.asked(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return


def silent(server: Server, connection: socket.socket) -> None:
    """Give no answer at all."""
    for _ in server.asked(connection):
        pass
