"""The sources of a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaoskit.cli import OK, PROBLEM, USAGE, main
from chaoskit.report import page


def test_the_command_writes_one_file(
    three: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`chaoskit report JOURNAL… -o FILE` writes the file and names it."""
    target = tmp_path / "deep" / "report.html"
    assert main(["report", *map(str, three), "-o", str(target)]) == OK
    assert f"{target}: 3 experiments" in capsys.readouterr().out
    assert target.read_text().startswith("<!doctype html>")


def test_a_folder_stands_for_its_journals_in_the_order_of_their_writing(
    three: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command passes over other files and names them, and no journal comes twice."""
    for number, path in enumerate(three):
        record = json.loads(path.read_text())
        record["run"]["written_at"] = f"2026-01-0{3 - number}T00:00:00+00:00"
        (tmp_path / path.name).write_text(json.dumps(record))
    (tmp_path / "independence.json").write_text("{}")
    (tmp_path / "notes.json").write_text("[]")
    sources = page.gather([tmp_path, tmp_path / three[0].name])
    assert [each.file for each in sources.journals] == [path.name for path in reversed(three)]
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "report.html")]) == OK
    said = capsys.readouterr().err
    assert f"skipped {tmp_path / 'notes.json'}" in said
    assert "independence.json" not in said


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("absent.json", None, "the journal cannot be read"),
        ("text.json", "hello", "not valid JSON"),
        ("binary.json", "\udcff\udcfe", "not valid JSON"),
        ("old.json", '{"version": 0, "judgement": {}}', "another version"),
        ("bare.json", '{"version": 1}', "this is not a journal"),
        ("empty", "", "there is no journal to report"),
        ("detection.json", "[]", "not a detection matrix"),
    ],
)
def test_a_mistake_of_the_user_is_an_error_without_a_traceback(
    name: str, text: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the file and what is wrong with it, and the command writes nothing."""
    path = tmp_path / name
    if name == "empty":
        path.mkdir()
    elif text is not None:
        path.write_text(text, errors="surrogateescape")
    target = tmp_path / "report.html"
    assert main(["report", str(path), "-o", str(target)]) == USAGE
    said = capsys.readouterr().err
    assert says in said
    assert str(path) in said
    assert "Traceback" not in said
    assert not target.exists()


def test_a_report_that_cannot_be_written_is_an_error(
    three: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A target that is a folder is one clear error."""
    assert main(["report", str(three[0]), "-o", str(tmp_path)]) == PROBLEM
    assert "the report cannot be written" in capsys.readouterr().err
