"""The engine's answers in chaoskit's words."""

from __future__ import annotations

from typing import Any

import pytest
import requests.exceptions
from docker.errors import APIError

from chaoskit.errors import EngineUnavailable, RuntimeFailure
from chaoskit.interpose import COMPONENT_LABEL
from chaoskit.runtime import State
from chaoskit.runtime.engine import calling, connect, last_line, name_of, state_of


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
    ],
)
def test_inspect_becomes_a_state(inspected: dict[str, Any], state: State) -> None:
    """Every status of the engine has its state; an exit code belongs to a run that is over."""
    assert state_of(inspected) == state


def test_no_engine_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what was tried and what to do, and leaves no socket behind."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    with pytest.raises(EngineUnavailable) as caught:
        connect()
    assert "DOCKER_HOST=unix:///no/such/docker.sock" in str(caught.value)
    assert caught.value.remedy
    assert caught.value.__cause__ is None


def test_a_refusal_of_the_engine_keeps_its_words() -> None:
    """The component, what was to be done, and the engine's own explanation."""
    with pytest.raises(RuntimeFailure, match="could not pause cache") as caught, calling("pause", "cache"):
        raise APIError("409 Conflict", explanation="Container abc is not running")
    assert "is not running" in str(caught.value)


def test_an_engine_that_does_not_answer_names_the_limit() -> None:
    """A time-out of the SDK is told as one."""
    with pytest.raises(RuntimeFailure) as caught, calling("stop", "db"):
        raise requests.exceptions.ReadTimeout("Read timed out.")
    assert "20 s" in str(caught.value)


def test_containers_go_by_component_then_by_service() -> None:
    """Toxiproxies are known by their service; whatever Compose has not made has no name."""
    service = {"com.docker.compose.service": "api-1"}
    assert name_of({**service, COMPONENT_LABEL: "api"}) == "api"
    assert name_of(service) == "api-1"
    assert name_of({}) is None
    assert name_of(None) is None


def test_the_last_line_that_says_something() -> None:
    """Blank lines at the end of an error are passed over."""
    assert last_line("first\nlast \n\n") == "last"
    assert last_line("") == ""
