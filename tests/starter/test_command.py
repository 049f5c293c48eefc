"""``chaoskit init`` as far as nothing has to be started."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaoskit.cli import USAGE, main
from chaoskit.containers.started import startup
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.interpose.model import Resolved


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a compose file that publishes no port, and no engine."""
    (tmp_path / "compose.yml").write_text("services: {db: {image: postgres}}\n")
    config = {"name": "shop", "services": {"db": {"image": "postgres", "networks": {"default": None}}}}
    config["networks"] = {"default": {"name": "shop_default"}}
    monkeypatch.setattr(startup, "resolve", lambda system: Resolved(config, tmp_path))
    monkeypatch.setattr(startup, "routed_networks", lambda: ())
    monkeypatch.setattr(DockerRuntime, "start", lambda self: pytest.fail("something was started"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The error message of a mistake."""
    assert main(["init", *arguments]) == USAGE
    return capsys.readouterr().err


def test_without_a_compose_file_the_error_names_the_candidates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It looks for the files that Compose looks for, and says where."""
    monkeypatch.chdir(tmp_path)
    said = told(capsys)
    assert "docker-compose.yml" in said
    assert str(tmp_path) in said
    assert "no such file" in told(capsys, "missing.yaml")


def test_a_system_without_an_entry_is_a_mistake(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a published port there is no journey, which is an error before anything starts."""
    assert "publishes no port" in told(capsys)
    assert [each.name for each in project.iterdir()] == ["compose.yml"]


def test_existing_files_are_not_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files of an earlier starter are an error at once, unless --force or --dry-run is given."""
    (project / "test_resilience.py").write_text("")
    assert "test_resilience.py" in told(capsys)
    assert "publishes no port" in told(capsys, "--force")
    assert "publishes no port" in told(capsys, "--dry-run")
    assert "publishes no port" in told(capsys, "--into", "elsewhere")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seconds", "0"], "from 1 to 300"),
        (["--path", "health"], "start with /"),
        (["--path", "/a b"], "no spaces"),
    ],
)
def test_options_have_limits(
    project: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An impossible value is an error that says what is possible."""
    assert says in told(capsys, *arguments)
