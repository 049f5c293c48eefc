"""Which engine the client uses, and how its answers become chaoskit's own types and errors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import docker
import pytest
import requests.exceptions
from docker.errors import APIError, NotFound

from chaoskit.containers.engine.client import (
    Containers,
    calling,
    connect,
    containers,
    engine,
    last_line,
    name_of,
    state_of,
)
from chaoskit.errors import EngineUnavailable, RuntimeFailure
from chaoskit.interpose import COMPONENT_LABEL
from chaoskit.runtime import State


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
    """The address for which a client would be made."""
    asked: list[str] = []

    class Client:
        def __init__(self, **options: object) -> None:
            asked.append(str(options.get("base_url")))

    monkeypatch.setattr("docker.DockerClient", Client)
    monkeypatch.setattr("docker.from_env", lambda **options: asked.append("the environment's"))
    engine(timeout=1)
    return asked[0]


def test_the_current_context_is_used(contexts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Docker Desktop the engine is where the ``docker`` command finds it."""
    assert where(monkeypatch).endswith("/home/me/.docker/run/docker.sock")


def test_docker_host_wins(contexts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the ``docker`` command, the variable overrides the context."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")
    assert where(monkeypatch) == "the environment's"


def test_without_a_context_the_default_is_used(contexts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a plain Linux machine nothing is configured, and the default socket is used."""
    (contexts / "config.json").write_text("{}")
    assert where(monkeypatch) == "the environment's"


@pytest.mark.parametrize(
    ("inspected", "state"),
    [
        ({}, State("missing")),
        ({"State": {"Status": "created", "ExitCode": 127}}, State("created", exit_code=127)),
        (
            {"State": {"Status": "running", "Running": True, "ExitCode": 0, "StartedAt": "t"}},
            State("running", started_at="t"),
        ),
        (
            {"State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "starting"}}},
            State("running", health="starting"),
        ),
        ({"State": {"Status": "running", "Health": {"Status": "none"}}}, State("running")),
        ({"State": {"Status": "paused", "Running": True, "ExitCode": 0}}, State("paused")),
        (
            {"State": {"Status": "restarting", "Running": True, "ExitCode": 4}, "RestartCount": 3},
            State("restarting", exit_code=4, restarts=3),
        ),
        (
            {"State": {"Status": "exited", "ExitCode": 137, "OOMKilled": True}},
            State("exited", exit_code=137, out_of_memory=True),
        ),
        ({"State": {"Status": "removing", "ExitCode": 0}}, State("dead", exit_code=0)),
        ({"State": {"Status": "running"}, "Config": {"Image": "a:1"}}, State("running", image="a:1")),
    ],
)
def test_inspect_becomes_a_state(inspected: dict[str, Any], state: State) -> None:
    """Every status of the engine has its state, and only an ended run has an exit code."""
    assert state_of(inspected) == state


def test_no_engine_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what was tried and the remedy, and no socket stays open."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    with pytest.raises(EngineUnavailable) as caught:
        connect()
    assert "DOCKER_HOST=unix:///no/such/docker.sock" in str(caught.value)
    assert caught.value.remedy
    assert caught.value.__cause__ is None


def test_a_refusal_of_the_engine_keeps_its_words() -> None:
    """The error has the component, the action and the engine's own explanation."""
    with pytest.raises(RuntimeFailure, match="could not pause cache") as caught, calling("pause", "cache"):
        raise APIError("409 Conflict", explanation="Container abc is not running")
    assert "is not running" in str(caught.value)


def test_an_engine_that_does_not_answer_names_the_limit() -> None:
    """A time-out of the SDK becomes an error with the limit."""
    with pytest.raises(RuntimeFailure) as caught, calling("stop", "db"):
        raise requests.exceptions.ReadTimeout("Read timed out.")
    assert "20 s" in str(caught.value)


def test_containers_go_by_component_then_by_service() -> None:
    """Toxiproxies are known by their service, and a container that Compose did not create has no name."""
    service = {"com.docker.compose.service": "api-1"}
    assert name_of({**service, COMPONENT_LABEL: "api"}) == "api"
    assert name_of(service) == "api-1"
    assert name_of({}) is None
    assert name_of(None) is None


def test_the_last_line_that_says_something() -> None:
    """Blank lines at the end of an error are skipped."""
    assert last_line("first\nlast \n\n") == "last"
    assert last_line("") == ""


@dataclass
class Few:
    """An engine with containers of one component each; ``client.api`` is the same object.

    Attributes:
        states: container → its state, the youngest last.
    """

    states: dict[str, str] = field(default_factory=dict)

    @property
    def api(self) -> Few:
        """The low-level client."""
        return self

    def containers(self, *, all: bool, filters: dict[str, str]) -> list[dict[str, Any]]:
        """GET /containers/json: the youngest first, as in the engine."""
        found = [
            {"Id": each, "State": state, "Created": number, "Labels": {COMPONENT_LABEL: "api"}}
            for number, (each, state) in enumerate(self.states.items())
        ]
        return found[::-1]

    def inspect_container(self, container: str) -> dict[str, Any]:
        """GET /containers/…/json."""
        if container not in self.states:
            raise NotFound("404")
        return {"Id": container, "State": {"Status": self.states[container]}}

    @property
    def client(self) -> docker.DockerClient:
        """The engine, typed for the type checker."""
        return cast(docker.DockerClient, self)


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("running", "created", "old"),
        ("paused", "created", "old"),
        ("exited", "created", "old"),
        ("exited", "running", "new"),
        ("removing", "running", "new"),
        ("exited", "exited", "new"),
        ("running", "exited", "old"),
        ("exited", "restarting", "new"),
    ],
)
def test_of_two_containers_the_component_is_the_one_that_can_serve(old: str, new: str, counts: str) -> None:
    """The one that runs counts; before the new one was ever started, the old one counts."""
    assert containers(Few({"old": old, "new": new}).client, "r") == {"api": counts}


def test_late_news_of_a_former_container_change_nothing() -> None:
    """Late events and listings of the old container do not bring it back."""
    engine = Few({"old": "exited", "new": "created"})
    known = Containers(engine.client, "r")
    assert known.id("api") == "old"
    known.succeed("api", "old", "new")
    known.learn("api", "old")
    assert known.id("api") == "new"
    assert known.list() == {"api": "new"}
    assert known.id("api") == "new"
    known.learn("api", "newer")
    assert known.id("api") == "newer"


def test_a_look_that_a_replacement_overtakes_finds_the_new_container() -> None:
    """If the known container has just been removed, its successor is inspected at once."""
    engine = Few({"old": "running"})
    known = Containers(engine.client, "r")
    assert known.inspect("api")["Id"] == "old"
    engine.states = {"new": "running"}
    assert known.inspect("api")["Id"] == "new"
    engine.states = {}
    assert known.inspect("api") == {}
