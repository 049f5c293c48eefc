"""The command line, where it needs no engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaoskit.cli import USAGE, find_system, main
from chaoskit.errors import UsageError


def test_without_a_command_it_shows_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """`chaoskit` alone is a mistake; the message lists the commands."""
    with pytest.raises(SystemExit) as raised:
        main([])
    assert raised.value.code == USAGE
    assert "chaoskit" in capsys.readouterr().err


def test_help_tells_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`chaoskit --help` lists every command with what it does."""
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for command in ("init", "doctor", "plan", "up", "report", "clean", "trend", "gameday", "faults"):
        assert f"\n    {command} " in said


@pytest.mark.parametrize("command", ["plan", "up"])
def test_without_a_system_the_remedy_is_told(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that needs a system says how to name one, and where it looked."""
    monkeypatch.chdir(tmp_path)
    assert main([command]) == USAGE
    said = capsys.readouterr().err
    assert "no system is named" in said
    assert str(tmp_path) in said
    assert "chaos_system" in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\nchaos_system = shop:system\n"),
        ("tox.ini", "[pytest]\nchaos_system = shop:system\n"),
        ("setup.cfg", "[tool:pytest]\nchaos_system = shop:system\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\nchaos_system = "shop:system"\n'),
        ("pyproject.toml", '[tool.pytest]\nchaos_system = "shop:system"\n'),
        ("pytest.toml", '[pytest]\nchaos_system = "shop:system"\n'),
    ],
)
def test_the_system_is_named_once_for_pytest_and_the_command_line(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ini setting is found from a folder below, in every file in which pytest looks for it."""
    (tmp_path / name).write_text(text)
    below = tmp_path / "deep" / "below"
    below.mkdir(parents=True)
    with pytest.raises(UsageError, match="'shop' cannot be imported"):
        find_system(None, below)


def test_a_compose_file_will_do(tmp_path: Path) -> None:
    """plan and up take a compose file as it is, without a declaration."""
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    system = find_system("compose.yaml", tmp_path)
    assert system.compose == (tmp_path / "compose.yaml",)
    assert system.journeys == ()


def test_the_history_is_named_once_for_pytest_and_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`chaoskit trend` finds chaos_history from the folder of the ini file and from below it."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nchaos_history = reports/history.sqlite\n")
    below = tmp_path / "deep"
    below.mkdir()
    monkeypatch.chdir(below)
    assert main(["trend"]) == USAGE
    assert str(tmp_path / "reports" / "history.sqlite") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["trend"], "no history is named"),
        (["trend", "nothing.sqlite"], "there is no history yet"),
        (["trend", "history.sqlite", "--add", "nothing.json"], "the journal cannot be read"),
        (["trend", "history.sqlite", "--last", "0"], "--last is 0"),
    ],
)
def test_a_wrong_trend_is_told(
    arguments: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file that is not there is one clear error, and no empty history is left behind."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == USAGE
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_a_journal_is_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report folder holds other JSON files, and a shell's `*.json` may name them: they are skipped."""
    (tmp_path / "independence.json").write_text('{"version": 1, "experiments": []}')
    file = str(tmp_path / "history.sqlite")
    assert main(["trend", file, "--add", str(tmp_path / "independence.json")]) == USAGE
    said = capsys.readouterr().err
    assert "independence.json: not a journal" in said
    assert "the history is empty" in said
