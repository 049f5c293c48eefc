"""``chaoskit plan`` and ``chaoskit up`` on an application that knows nothing of chaoskit."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import httpx
import pytest

from chaoskit.interpose import RUN_LABEL
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

FILE = Path(__file__).parents[1] / "examples" / "adopted" / "compose.yaml"
COMMAND = [sys.executable, "-m", "chaoskit.cli"]


@pytest.fixture
def environment(client: docker.DockerClient, tmp_path: Path) -> dict[str, str]:
    """The local source of images, and a state folder of the test's own."""
    return {**os.environ, "BASE_IMAGE": base_image(client), "XDG_STATE_HOME": str(tmp_path)}


@pytest.fixture
def up(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A running ``chaoskit up``."""
    process = subprocess.Popen(
        [*COMMAND, "up", str(FILE)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        yield process
        if process.poll() is None:
            process.kill()


def said_until(process: subprocess.Popen[str], word: str) -> str:
    """The output up to the first line with this start."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(word):
            return "".join(lines)
    raise AssertionError(f"it ended without {word!r}:\n{''.join(lines)}")


def test_up_holds_an_application_unchanged_and_ctrl_c_removes_it(
    up: subprocess.Popen[str], tmp_path: Path, client: docker.DockerClient
) -> None:
    """Every host name in its code leads through Toxiproxy, also to the undeclared port."""
    said = said_until(up, "ready; Ctrl-C")
    (entry,) = re.findall(r"web:8080 +(http://\S+)", said)
    users = httpx.get(f"{entry}/", timeout=10, trust_env=False)
    users.raise_for_status()
    assert users.headers["X-Greeting"] == "it's $5 off"
    answer = users.json()
    assert answer["users"].startswith(":"), answer
    assert answer["carts"].startswith(":-"), answer
    assert answer["key"] == (FILE.parent / "api_key.txt").read_text().strip()
    assert httpx.get(f"{entry}/mail", timeout=10, trust_env=False).json() == {"mail": "250 mailer"}
    (run,) = (tmp_path / "chaoskit" / "runs").iterdir()
    up.send_signal(signal.SIGINT)
    assert up.wait(timeout=60) == 0
    label = {"label": f"{RUN_LABEL}={run.name}"}
    assert client.api.containers(all=True, filters=label) == []
    assert client.api.networks(filters=label) == []
    assert not client.api.volumes(filters=label)["Volumes"]
    assert not run.exists()


def test_plan_prints_a_file_that_compose_takes_and_the_links(environment: dict[str, str]) -> None:
    """The file on stdout is valid, and the links for the user are on stderr."""
    planned = subprocess.run(
        [*COMMAND, "plan", str(FILE)], env=environment, capture_output=True, text=True, check=True
    )
    for link in ("api → user_db:6379", "api → carts:6379", "web:8080 through toxiproxy-1"):
        assert link in re.sub(" +", " ", planned.stderr)
    read = subprocess.run(
        ["docker", "compose", "-f", "-", "config", "--quiet"],
        input=planned.stdout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
