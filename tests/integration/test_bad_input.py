"""Bad input as users meet it: one clear error, no traceback of ours, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from chaoskit.interpose import RUN_LABEL
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

DECLARATION = """
from chaoskit import Slo, System, faults, journey

@journey(rate={rate}, needs=[{needs!r}], slo=Slo(availability=0.9))
async def look(user):
    (await user.get("/")).raise_for_status()

system = System.from_compose("compose.yaml", journeys=[look], ready_timeout=8.0)
"""

COMPOSE = """
services:
  web:
    image: {image}
    command: [bash, -c, {command}]
    ports: ["80"]
    {more}
"""

SERVE = (
    "'while true; do perl -MIO::Socket::INET -e "
    '"my \\$$s = IO::Socket::INET->new(LocalPort => 80, Listen => 64, ReuseAddr => 1) or die;'
    " while (my \\$$c = \\$$s->accept) {{ my \\$$l = <\\$$c>;"
    " print \\$$c qq(HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok); close \\$$c }}\"; done'"
)

TEST = """
from chaoskit import faults

def test_one(chaos):
    chaos.experiment({fault}, warm_up=1.0, control=1.5, active=1.0).assert_held()
"""


@pytest.fixture
def project(tmp_path: Path, client: docker.DockerClient) -> Iterator[Path]:
    """A small project that works; nothing of its runs may be there afterwards."""
    write(tmp_path, client)
    yield tmp_path
    left = client.containers.list(all=True, filters={"label": RUN_LABEL}, ignore_removed=True)
    mine = [each.name for each in left if str(tmp_path) in str(each.attrs)]
    assert not mine


def write(
    folder: Path,
    client: docker.DockerClient,
    *,
    rate: str = "5",
    needs: str = "web",
    image: str | None = None,
    command: str = "'exec sleep 600'",
    more: str = "",
    fault: str = "faults.Kill('web')",
) -> None:
    """Write the project's files."""
    (folder / "pytest.ini").write_text("[pytest]\nchaos_system = shop:system\n")
    (folder / "shop.py").write_text(DECLARATION.format(rate=rate, needs=needs))
    (folder / "compose.yaml").write_text(
        COMPOSE.format(image=image or base_image(client), command=command, more=more)
    )
    (folder / "test_shop.py").write_text(TEST.format(fault=fault))


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """What pytest prints of a run that must not pass."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 11, said  # neither broken nor unknown: see chaoskit.exitcodes
    assert "Traceback (most recent call last)" not in said, said
    assert "chaoskit/chaoskit/" not in said, said
    runs = folder / "state" / "chaoskit" / "runs"
    assert not runs.exists() or not list(runs.iterdir())
    return said


def test_no_docker(project: Path) -> None:
    """Without an engine the error says what was tried and what to do."""
    said = run(project, DOCKER_HOST=f"unix://{project}/nothing.sock")
    assert "no container engine answers" in said
    assert "nothing.sock" in said
    assert "remedy:" in said


def test_a_compose_file_that_does_not_exist(project: Path) -> None:
    """The missing file is named by its whole path."""
    (project / "compose.yaml").unlink()
    assert str(project / "compose.yaml") in run(project)


def test_a_compose_file_that_is_not_yaml(project: Path) -> None:
    """Compose's own words say where it stops being YAML."""
    (project / "compose.yaml").write_text("services:\n  web: [\n")
    said = run(project)
    assert "compose.yaml" in said
    assert "yaml" in said.lower()


def test_host_networking(project: Path, client: docker.DockerClient) -> None:
    """A service in the host's network cannot be put behind Toxiproxy; it is named, with the reason."""
    write(project, client, more="network_mode: host")
    said = run(project)
    assert "web" in said
    assert "network_mode: host" in said


def test_all_mistakes_of_a_declaration_at_once(project: Path, client: docker.DockerClient) -> None:
    """An unknown component and a rate of zero are told together, before anything starts."""
    write(project, client, rate="0", needs="databse")
    said = run(project)
    assert "2 mistakes" in said
    assert "it needs 'databse', which is not a component; components: web" in said
    assert "its rate is 0 per second" in said


def test_an_image_that_cannot_be_had(project: Path, client: docker.DockerClient) -> None:
    """The image and the service that wants it are named."""
    write(project, client, image="chaoskit.invalid/nothing:1")
    said = run(project)
    assert "chaoskit.invalid/nothing:1" in said
    assert "web" in said


def test_a_component_that_never_gets_healthy(project: Path, client: docker.DockerClient) -> None:
    """The error says which component, the condition, the limit, its state and its last output."""
    write(
        project,
        client,
        command="'echo waiting for godot; exec sleep 600'",
        more="healthcheck: {test: [CMD, 'false'], interval: 300ms}",
    )
    said = run(project)
    for word in ("web", "healthy", "8 s", "waiting for godot"):
        assert word in said


def test_a_component_that_exits(project: Path, client: docker.DockerClient) -> None:
    """A component that dies is told at once, with its exit code and its last output."""
    write(project, client, command="'echo no configuration; exit 3'")
    said = run(project)
    assert "no configuration" in said
    assert "3" in said


def test_a_fault_on_a_component_that_it_does_not_fit(project: Path, client: docker.DockerClient) -> None:
    """What the fault knows and what the component serves are told; nothing is injected."""
    write(project, client, command=SERVE, fault="faults.ConnectionExhaustion('web')")
    said = run(project)
    assert "ConnectionExhaustion('web') does not fit this system" in said
    assert "web serves no port 5432 (its ports: 80)" in said


def test_ctrl_c_in_the_middle_of_a_fault(project: Path, client: docker.DockerClient) -> None:
    """An interrupted run lifts its fault and removes everything before it ends."""
    write(project, client, command=SERVE)
    (project / "test_shop.py").write_text(
        TEST.format(fault="faults.Kill('web')").replace("active=1.0", "active=60.0")
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"],
        cwd=project,
        env={**os.environ, "XDG_STATE_HOME": str(project / "state")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with running:
        assert running.stdout is not None
        for line in running.stdout:
            if "fault window" in line:
                running.send_signal(signal.SIGINT)
                break
        (run_id,) = [path.name for path in (project / "state" / "chaoskit" / "runs").iterdir()]
        said = running.stdout.read()
        assert running.wait(timeout=60) == 2, said
    assert "gone: web is running" in said
    assert client.api.containers(all=True, filters={"label": f"{RUN_LABEL}={run_id}"}) == []
    assert client.api.networks(filters={"label": f"{RUN_LABEL}={run_id}"}) == []
    assert not list((project / "state" / "chaoskit" / "runs").iterdir())


def test_a_full_disk_under_the_journal(project: Path, client: docker.DockerClient) -> None:
    """Where the journal cannot be written there is no verdict, and the reason is told."""
    folder = project / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:  # not root: a folder that is a file is as full as can be
        folder.rmdir()
        folder.write_text("")
    try:
        write(project, client, command=SERVE)
        said = run(project, f"--chaos-report-dir={folder}")
    finally:
        left = [each.name for each in folder.iterdir()] if folder.is_dir() else []
        if mounted.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)
    assert left == []
    assert "the journal cannot be written" in said
    assert "--chaos-report-dir" in said
