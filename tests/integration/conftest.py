"""Fixtures for the tests on a real engine."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from chaoskit.containers.cleanup.removal import remove_run


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Let Ctrl-C work in the processes that tests start. A shell makes its background jobs ignore it, and
    all their children inherit that.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """The engine."""
    connected = docker.from_env(max_pool_size=32)
    yield connected
    connected.close()


@pytest.fixture
def run_id(client: docker.DockerClient) -> Iterator[str]:
    """A run whose leftovers are removed after the test, whatever happens."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    remove_run(client, name)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "chaoskit"
