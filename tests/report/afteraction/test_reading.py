"""The record of a game day, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaoskit.errors import UsageError
from chaoskit.judge import Verdict
from chaoskit.report import afteraction
from tests.report.afteraction import days


def at(record: Any, path: str, value: Any) -> None:
    """Put a value into a record, at a place such as ``steps.0.injected``."""
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in way:
        record = record[part]
    record[last] = value


def test_a_day_is_read_with_the_journals_of_its_steps(made: Path) -> None:
    """Unknown keys are ignored, and each step has the facts of its journal."""
    day = afteraction.read(made)
    assert [each.verdict for each in day.steps] == [Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN]
    assert [each.facts.verdict for each in day.steps if each.facts] == [each.verdict for each in day.steps]
    assert day.series.end == days.SECONDS
    assert day.series.journeys[0].slo.p95 == 0.3


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("version", 2, "version 2"),
        ("kind", "journal", "kind: not 'gameday'"),
        ("system", [], "system: not an object"),
        ("origin", "noon", "origin: not a number"),
        ("origin", 1e300, "origin: not a moment"),
        ("steps", {}, "steps: not a list"),
        ("steps.1.number", 1, "two steps have the same number"),
        ("steps.0.injected", float("nan"), "steps[0].injected: not a number"),
        ("steps.0.verdict", "held", "steps[0].verdict: none of HELD, BROKEN, UNKNOWN"),
        ("steps.0.outcome", "lucky", "steps[0].outcome: none of"),
        ("steps.0.journal", "../elsewhere.json", "not the name of a file in the folder"),
        ("steps.0.journal", "absent.json", "absent.json"),
        ("events.3.at", 1e12, "events[3].at: not a moment"),
        ("notes.0.text", 7, "notes[0].text: not a text"),
        ("series.step_seconds", 0, "not a length of time"),
        ("series.journeys.buy.failed", [0], "the columns are not equally long"),
        ("series.journeys.buy.arrivals.0", -1, "not a column of counts"),
    ],
)
def test_an_error_names_the_place_in_the_record_and_nothing_is_written(
    path: str, value: Any, says: str, folder: Path
) -> None:
    """The error names the file, the place in it and the wrong value, and no half of a report is left."""
    record = days.saved(folder)
    at(record, path, value)
    days.save(folder, record)
    with pytest.raises(UsageError) as raised:
        afteraction.write(folder)
    assert says in str(raised.value)
    assert str(folder) in (raised.value.where or "")
    assert not (folder / afteraction.HTML).exists()


@pytest.mark.parametrize("key", ["title", "started_at", "system", "origin", "seed", "kind", "version"])
def test_a_missing_key_is_named(key: str, folder: Path) -> None:
    """A key that a report needs is named if it is missing; a missing title gets a default."""
    record = days.saved(folder)
    del record[key]
    days.save(folder, record)
    if key == "title":
        assert afteraction.read(folder).title == "Game day"
        return
    with pytest.raises(UsageError, match=r"game day|version") as raised:
        afteraction.read(folder)
    assert key in str(raised.value)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", "\udcff"])
def test_a_file_that_is_not_a_record_is_one_clear_error(text: str | None, tmp_path: Path) -> None:
    """The error names the file that is absent, empty, cut off or something else."""
    if text is not None:
        (tmp_path / "gameday.json").write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError) as raised:
        afteraction.read(tmp_path)
    assert str(tmp_path / "gameday.json") == raised.value.where


def test_an_error_in_a_journal_names_the_journal(folder: Path) -> None:
    """The error about a damaged journal names its file, not the record."""
    name = days.saved(folder)["steps"][0]["journal"]
    (folder / name).write_text(json.dumps({"version": 1}))
    with pytest.raises(UsageError) as raised:
        afteraction.read(folder)
    assert raised.value.where == str(folder / name)
