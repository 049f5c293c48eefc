"""Compose itself reads the rewritten files of applications like public ones, without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaoskit.cli.plan import render_compose
from chaoskit.containers.compose import Compose, resolve
from chaoskit.interpose import Interposed, interpose
from chaoskit.interpose.model import Resolved
from chaoskit.system import System
from tests.interpose.shapes import links

pytestmark = pytest.mark.docker  # needs Docker's command line, not its engine

APPLICATIONS = Path(__file__).parent / "applications"

UNTOUCHED = (
    *("command", "configs", "entrypoint", "environment", "healthcheck", "init", "logging", "secrets"),
    *("stop_grace_period", "stop_signal", "sysctls", "tmpfs", "ulimits", "user", "volumes"),
)

Again = Callable[[str], dict[str, Any]]


def interposed(name: str) -> tuple[Resolved, Interposed]:
    """One of the applications, without knowledge of its images."""
    path = APPLICATIONS / f"{name}.yaml"
    found = resolve(System.from_compose(path, journeys=(), environment={"COMPOSE_PROJECT_NAME": name}))
    found = Resolved(found.config, found.directory)
    return found, interpose(found, run_id="plan")


@pytest.fixture
def again(tmp_path: Path) -> Again:
    """Let Compose read a rewritten file, and return its result."""

    def read(text: str) -> dict[str, Any]:
        plan = tmp_path / "plan.yaml"
        plan.write_text(text, encoding="utf-8")
        said = Compose(tmp_path, [plan]).run("config", "--format", "json").stdout
        config: dict[str, Any] = json.loads(said)
        return config

    return read


@pytest.mark.parametrize("name", sorted(path.stem for path in APPLICATIONS.glob("*.yaml")))
def test_compose_takes_the_plan(name: str, again: Again) -> None:
    """The YAML for users and the JSON for the runtime are one valid file, and everything in a service
    except networking reads as before.
    """
    before, after = interposed(name)
    read = again(render_compose(after))
    assert read == again(json.dumps(after.compose))
    assert read["name"] == "chaoskit-plan"
    for component in after.components:
        old, new = before.config["services"][component.service], read["services"][component.name]
        for key in UNTOUCHED:
            assert new.get(key) == old.get(key), (component.name, key)


def test_dollars_and_doubtful_words_survive(again: Again) -> None:
    """Compose interpolates the plan once more: resolved text stays the same, dollar for dollar, and text
    that looks like a number, a time or a truth value stays text.
    """
    before, after = interposed("quirks")
    assert again(render_compose(after))["services"]["odd"]["environment"] == {
        "BOOLEAN": "on",
        "DOLLARS": "a$$b$${c}$$$$d",
        "EXPONENT": "1e3",
        "LINES": "one\ntwo: three\n",
        "OCTAL": "0o17",
        "SECONDS": "12:30",
        "TILDE": "~",
        "UMLAUT": "größer",
    }
    assert yaml.safe_load(render_compose(after)) == after.compose
    assert before.config["services"]["odd"]["command"] == ["sh", "-c", "echo $$HOME"]


def test_links_of_applications_as_people_write_them() -> None:
    """Ports are known from well-known images, environments and health checks before any image is pulled."""
    expected = {
        "wordpress": {"wordpress→db:3306", "outside→wordpress:80"},
        "nextcloud": {"web→app:9000", "app→db:3306", "cron→redis:6379", "outside→web:80"},
        "airflow": {
            "airflow-scheduler→postgres:5432",
            "airflow-worker→redis:6379",
            "airflow-worker→airflow-apiserver:8080",
        },
        "voting": {"worker→db:5432", "vote→redis:6379", "outside→result:80"},
        "gitlab": {"runner→gitlab:80", "outside→gitlab:22"},
        "observed": {"grafana→prometheus:9090", "app→tempo:4317", "prometheus→app:8000"},
        "kafka": {"connect→broker-1:29092", "broker-1→broker-2:29092", "outside→broker-1:9092"},
        "balanced": {"proxy→api-1:8000", "proxy→api-2:8000", "api-2→primary:5432", "api-1→replica:5432"},
    }
    for name, wanted in expected.items():
        assert wanted <= links(interposed(name)[1]), name
