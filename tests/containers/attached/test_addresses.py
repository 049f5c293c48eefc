"""The addresses that this machine reaches, and those that it must not even dial."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chaoskit.containers.attached import addresses
from chaoskit.containers.attached.addresses import (
    Address,
    direct_addresses,
    reachable_address,
    try_connection,
)
from tests.containers.attached.project import container


@contextmanager
def server(greeting: bytes, *, closes: bool) -> Iterator[Address]:
    """A server that accepts one connection, sends a greeting, and keeps or closes the connection."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(greeting)
                if not closes:
                    done.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()
        done.set()
        thread.join()


@pytest.mark.parametrize(
    ("greeting", "closes", "met"),
    [(b"hello", False, "open"), (b"", True, "refused"), (b"", False, "quiet")],
)
def test_a_fresh_connection_is_told_by_what_it_hears(greeting: bytes, closes: bool, met: str) -> None:
    """A connection that closes at once counts as refused, as Docker's own proxy treats a dead port."""
    with server(greeting, closes=closes) as address:
        assert try_connection(address, 5.0) == met


def test_a_port_on_which_nobody_listens_refuses() -> None:
    """A connection to it is refused at once."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
    assert try_connection(address, 5.0) == "refused"


def test_only_what_is_next_door_is_reached_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other address is dialled, because the packets would take the default route."""
    near = container("near", ip="127.0.0.1")
    near["State"]["Pid"] = 7
    near["NetworkSettings"]["Networks"]["shop_default"]["IPPrefixLen"] = 8
    far = container("far", ip="203.0.113.7")
    far["State"]["Pid"] = 7
    far["NetworkSettings"]["Networks"]["shop_default"]["IPPrefixLen"] = 24
    monkeypatch.setattr(addresses, "reader_of_process", lambda pid, identity: None)
    assert direct_addresses(near) == []  # a container on another machine may have any address
    monkeypatch.setattr(addresses, "reader_of_process", lambda pid, identity: "a reader")
    assert reachable_address(near, 6379) == ("127.0.0.1", 6379)
    assert reachable_address(far, 6379) is None


def test_a_published_port_comes_first() -> None:
    """A published port is preferred, because it works wherever the engine runs."""
    ports = {"8000/tcp": [{"HostIp": "::", "HostPort": "1"}, {"HostIp": "0.0.0.0", "HostPort": "2"}]}
    assert reachable_address(container("app", ip="10.0.0.2", ports=ports), 8000) == ("127.0.0.1", 2)
