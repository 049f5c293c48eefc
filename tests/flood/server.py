"""A server on this machine that treats each connection as a test says."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Treatment = Callable[[socket.socket], None]
"""What is done with a connection; it is closed afterwards."""


@dataclass
class Server:
    """Where it listens, and who came.

    Attributes:
        address: its address and port.
        peers: the address of each connection, in the order in which they came.
        requests: each request's text.
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
    """Listen while the block runs; each connection is treated in a thread of its own."""
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
    """The same answer to each request, on a connection that is kept."""

    def treat(server: Server, connection: socket.socket) -> None:
        for _ in server.asked(connection):
            connection.sendall(answer)

    return treat


def answering_once(answer: bytes) -> Callable[[Server, socket.socket], None]:
    """One answer, which may be empty, then an orderly close."""

    def treat(server: Server, connection: socket.socket) -> None:
        for _ in server.asked(connection):
            connection.sendall(answer)
            return

    return treat


def resetting(server: Server, connection: socket.socket) -> None:
    """A reset instead of an answer."""
    for _ in server.asked(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return


def silent(server: Server, connection: socket.socket) -> None:
    """No answer at all."""
    for _ in server.asked(connection):
        pass
