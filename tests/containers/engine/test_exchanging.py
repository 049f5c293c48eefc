"""What becomes of a connection on which something is said, on real sockets of this machine."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chaoskit.containers.engine.exchanging import exchange

Serve = Callable[[socket.socket], None]
RESET = struct.pack("ii", 1, 0)
"""A linger time of zero: closing resets the connection."""


def echo(connection: socket.socket) -> None:
    """Answers what it hears, until it hears no more."""
    while data := connection.recv(1000):
        connection.sendall(data)


def hang_up(connection: socket.socket) -> None:
    """Hears the words out, and closes."""
    connection.recv(1000)


def reset(connection: socket.socket) -> None:
    """Hears the words out, and resets the connection."""
    connection.recv(1000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def listen(connection: socket.socket) -> None:
    """Never answers, and closes after the other side has."""
    while connection.recv(1000):
        pass


@contextmanager
def served(serve: Serve) -> Iterator[tuple[str, int]]:
    """One connection is served; where that is done."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def once() -> None:
            connection, _ = server.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=once)
        thread.start()
        yield server.getsockname()[:2]
        thread.join(5.0)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("serve", "until", "met", "heard"),
    [
        (echo, "answer", "answered", 6),
        (echo, "end", "closed", 6),
        (hang_up, "answer", "closed", 0),
        (hang_up, "end", "closed", 0),
        (reset, "answer", "reset", 0),
        (reset, "end", "reset", 0),
        (listen, "end", "closed", 0),
    ],
)
def test_what_is_met(serve: Serve, until: str, met: str, heard: int) -> None:
    """An answer, an end and a reset are told apart."""
    with served(serve) as address:
        found = exchange(address, b"PING\r\n", until, 5.0)
    assert (found[0], found[2]) == (met, heard)
    assert found[1] < 5.0


def test_silence_is_given_up_in_time() -> None:
    """A provider that listens and says nothing is quiet for as long as patience lasts."""
    with served(listen) as address:
        met, seconds, heard = exchange(address, b"PING\r\n", "answer", 0.05)
    assert (met, heard) == ("quiet", 0)
    assert 0.05 <= seconds < 1.0


def test_time_counts_until_the_first_answer() -> None:
    """A provider that takes its time to answer shows in the seconds."""
    late = threading.Event()

    def slowly(connection: socket.socket) -> None:
        connection.recv(1000)
        late.wait(0.05)
        connection.sendall(b"at last")

    with served(slowly) as address:
        met, seconds, heard = exchange(address, b"PING\r\n", "answer", 5.0)
    assert (met, heard) == ("answered", 7)
    assert seconds >= 0.05


def test_nobody_there_is_refused() -> None:
    """A port that was just given back refuses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()[:2]
    assert exchange(address, b"", "answer", 1.0)[0] == "refused"
