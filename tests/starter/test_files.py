"""Files on disk: all or none, and no work of the user is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaoskit.errors import EnvironmentFailure, UsageError
from chaoskit.starter import files
from chaoskit.starter.files import Change


def listing(folder: Path) -> dict[str, str]:
    """Every file with its text."""
    return {each.name: each.read_text() for each in folder.iterdir() if each.is_file()}


def test_existing_files_are_an_error_before_anything_starts(tmp_path: Path) -> None:
    """All files that would be overwritten are named at once; --force allows it."""
    files.check(tmp_path, force=False)
    (tmp_path / "resilience.py").write_text("mine = 1\n")
    (tmp_path / "README.md").write_text("# Shop\n<!-- chaoskit: begin -->\n")
    with pytest.raises(UsageError) as raised:
        files.check(tmp_path, force=False)
    assert "resilience.py" in str(raised.value)
    assert "README.md" in str(raised.value)
    files.check(tmp_path, force=True)


def test_a_folder_that_is_a_file_is_a_mistake(tmp_path: Path) -> None:
    """--into names a folder, which may be new, and not a file."""
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError, match="into a file"):
        files.check(tmp_path / "x", force=False)
    files.check(tmp_path / "new" / "deep", force=False)


def test_everything_is_written(tmp_path: Path) -> None:
    """New files, changed files with their mode, and missing folders are written, and nothing else is left."""
    old = tmp_path / "pytest.ini"
    old.write_text("a\n")
    old.chmod(0o600)
    files.write([Change(tmp_path / "in" / "x.py", None, "x = 1\n"), Change(old, "a\n", "b\n")])
    assert listing(tmp_path / "in") == {"x.py": "x = 1\n"}
    assert listing(tmp_path) == {"pytest.ini": "b\n"}
    assert old.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_no_half_of_a_starter_is_written(
    error: BaseException, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a file cannot be put in its place, or Ctrl-C comes, every file is as it was."""
    (tmp_path / "old").write_text("before\n")
    calls = 0
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        moved = real(self, target)
        if calls == at:
            raise error
        return moved

    monkeypatch.setattr(Path, "replace", replace)
    changes = [
        Change(tmp_path / "new.py", None, "x\n"),
        Change(tmp_path / "old", "before\n", "after\n"),
        Change(tmp_path / "folder" / "deep.py", None, "y\n"),
    ]
    with pytest.raises(EnvironmentFailure if isinstance(error, OSError) else KeyboardInterrupt):
        files.write(changes)
    assert listing(tmp_path) == {"old": "before\n"}
    assert not (tmp_path / "folder").exists()
