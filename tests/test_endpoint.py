"""Which engine is talked to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from chaoskit.endpoint import engine


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Docker configuration whose current context is that of a desktop."""
    name = "desktop-linux"
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    endpoint = {"Host": "unix:///home/me/.docker/run/docker.sock", "SkipTLSVerify": False}
    told = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (meta / "meta.json").write_text(json.dumps(told))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": name}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def where(monkeypatch: pytest.MonkeyPatch) -> str:
    """The address that a client would be made for."""
    asked: list[str] = []

    class Client:
        def __init__(self, **options: object) -> None:
            asked.append(str(options.get("base_url")))

    monkeypatch.setattr("docker.DockerClient", Client)
    monkeypatch.setattr("docker.from_env", lambda **options: asked.append("the environment's"))
    engine(timeout=1)
    return asked[0]


def test_the_current_context_is_used(contexts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Docker Desktop the engine is where the docker command finds it."""
    assert where(monkeypatch).endswith("/home/me/.docker/run/docker.sock")


def test_docker_host_wins(contexts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the docker command, the variable goes before the context."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")
    assert where(monkeypatch) == "the environment's"


def test_without_a_context_the_default_is_used(contexts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a plain Linux machine nothing is configured."""
    (contexts / "config.json").write_text("{}")
    assert where(monkeypatch) == "the environment's"
