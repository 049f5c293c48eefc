"""A connection to PostgreSQL that fails."""

from __future__ import annotations

import gc
import socket
import threading

import pytest

from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.runtime.memory import MemoryRuntime


class Elsewhere(MemoryRuntime):
    """A runtime whose components answer at an address of this machine."""

    there: tuple[str, int] = ("127.0.0.1", 1)

    def address(self, component: str, port: int) -> tuple[str, int]:
        return self.there


@pytest.fixture
def runtime() -> Elsewhere:
    """One component, and no server at its address."""
    return Elsewhere(["db"], [("outside", "db", 5432)])


def test_a_server_that_hangs_up_leaves_no_socket_behind(runtime: Elsewhere) -> None:
    """The failure is a PostgresRefused, and no socket is left to the garbage collector, which would warn."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        runtime.there = server.getsockname()[:2]

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(PostgresRefused) as caught:
            postgres.connect(runtime, "db", Credentials("me"), "test", timeout=2.0)
        thread.join()
    assert caught.value.sqlstate is None
    del caught
    gc.collect()  # a socket that was not closed is an error of this test


def test_a_missing_server_is_a_refusal_without_a_code(runtime: Elsewhere) -> None:
    """No SQLSTATE is given if the connection failed before the server could answer."""
    with pytest.raises(PostgresRefused, match=r"no connection to 127\.0\.0\.1:1"):
        postgres.connect(runtime, "db", Credentials("me"), "test", timeout=2.0)
