"""``chaoskit init`` on an application that knows nothing of chaoskit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from chaoskit.interpose import RUN_LABEL
from tests.integration.test_up import said_until
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

EXAMPLE = Path(__file__).parents[1] / "examples" / "adopted"
INIT = [sys.executable, "-m", "chaoskit.cli", "init"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the application, with a file of its user's."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder)
    (folder / "pyproject.toml").write_text("# ours\n[tool.pytest.ini_options]\nminversion = '8'\n")
    return folder


@pytest.fixture
def environment(client: docker.DockerClient, tmp_path: Path) -> dict[str, str]:
    """Where images come from here, and a state folder of the test's own."""
    return {**os.environ, "BASE_IMAGE": base_image(client), "XDG_STATE_HOME": str(tmp_path / "state")}


def left(client: docker.DockerClient, folder: Path) -> list[str]:
    """Containers of runs on this project."""
    found = client.api.containers(all=True, filters={"label": RUN_LABEL})
    return [each["Id"] for each in found if str(folder) in str(each["Labels"])]


def test_a_starter_is_right_as_it_is_written(
    project: Path, environment: dict[str, str], client: docker.DockerClient
) -> None:
    """Journeys go by what was seen, each component has the experiment that fits it, pytest collects them,
    a strict type checker has nothing to say, and a second call overwrites nothing.
    """
    command = [*INIT, "compose.yaml", "--seconds", "2"]
    ran = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[:4] == ["wrote", "resilience.py", "wrote", "test_resilience.py"]
    declared = (project / "resilience.py").read_text(encoding="utf-8")
    assert 'needs=["web", "api"]' in declared
    assert 'uses=["carts", "user_db"]' in declared
    assert "none failed" in declared
    tests = (project / "test_resilience.py").read_text(encoding="utf-8")
    for fault in (
        'Kill("api")',
        'Kill("mailer")',
        'Restart("web")',
        'CacheLoss("carts", how="kill")',
        'CacheLoss("user_db", how="kill")',
    ):
        assert f"faults.{fault}" in tests
    ini = (project / "pyproject.toml").read_text(encoding="utf-8")
    assert (
        ini == "# ours\n[tool.pytest.ini_options]\nchaos_system = \"resilience:system\"\nminversion = '8'\n"
    )
    assert not left(client, project)

    collect = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "--strict-markers",
    ]
    collected = subprocess.run(
        collect, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert "5 tests collected" in collected.stdout, collected.stdout + collected.stderr
    doctor = [sys.executable, "-m", "chaoskit.cli", "doctor"]
    examined = subprocess.run(
        doctor, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert "system: 5 components" in examined.stdout, examined.stdout
    typed = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "resilience.py", "test_resilience.py"],
        cwd=project,
        env={**environment, "MYPY_CACHE_DIR": str(Path(__file__).parents[2] / ".mypy_cache" / "starter")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert typed.returncode == 0, typed.stdout

    again = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "test_resilience.py" in again.stderr
    assert (project / "resilience.py").read_text(encoding="utf-8") == declared


def test_ctrl_c_leaves_nothing(
    project: Path, environment: dict[str, str], client: docker.DockerClient, tmp_path: Path
) -> None:
    """Interrupted while it measures, it removes what runs, and has written nothing."""
    before = sorted(each.name for each in project.iterdir())
    with subprocess.Popen(
        [*INIT, "--seconds", "60"],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said_until(process, "measuring")
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
        finally:
            if process.poll() is None:
                process.kill()
    assert sorted(each.name for each in project.iterdir()) == before
    runs = tmp_path / "state" / "chaoskit" / "runs"
    assert not runs.is_dir() or not list(runs.iterdir())
    assert not left(client, project)


def test_an_application_without_pages_is_told_so(
    tmp_path: Path, environment: dict[str, str], client: docker.DockerClient
) -> None:
    """A published port that speaks no HTTP is named with what it is; nothing is written."""
    (tmp_path / "compose.yaml").write_text(
        "services:\n"
        "  mail:\n"
        f"    image: {base_image(client)}\n"
        "    init: true\n"
        "    command: [perl, -MIO::Socket::INET, -e, 'my $$s = IO::Socket::INET->new(LocalPort => 2525, "
        'Listen => 9, ReuseAddr => 1); while (my $$c = $$s->accept) { print $$c "220 hello\\n" }\']\n'
        '    ports: ["2525"]\n'
    )
    ran = subprocess.run(INIT, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 2, ran.stderr
    assert "mail:2525 does not speak HTTP" in ran.stderr
    assert "--path" in ran.stderr
    assert [each.name for each in tmp_path.iterdir() if each.suffix in (".py", ".ini", ".md")] == []
