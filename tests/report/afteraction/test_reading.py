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
    """Put something into a record: ``steps.0.injected``."""
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in way:
        record = record[part]
    record[last] = value


def test_a_day_is_read_with_the_journals_of_its_steps(made: Path) -> None:
    """What is not known is passed over; each step has its journal."""
    day = afteraction.read(made)
    assert [each.verdict for each in day.steps] == [Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN]
    assert [each.facts.verdict for each in day.steps if each.facts] == [each.verdict for each in day.steps]
    assert day.series.end == days.SECONDS
    assert day.series.journeys[0].slo.p95 == 0.3


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("version", 2, "version 2"),
        ("kind", "journal", "kind: it is no 'gameday'"),
        ("system", [], "system: it is no object"),
        ("origin", "noon", "origin: it is no number"),
        ("origin", 1e300, "origin: it is no moment"),
        ("steps", {}, "steps: it is no list"),
        ("steps.1.number", 1, "two steps have the same number"),
        ("steps.0.injected", float("nan"), "steps[0].injected: it is no number"),
        ("steps.0.verdict", "held", "steps[0].verdict: it is none of HELD, BROKEN, UNKNOWN"),
        ("steps.0.outcome", "lucky", "steps[0].outcome: it is none of"),
        ("steps.0.journal", "../elsewhere.json", "it is no name of a file in the folder"),
        ("steps.0.journal", "absent.json", "absent.json"),
        ("events.3.at", 1e12, "events[3].at: it is no moment"),
        ("notes.0.text", 7, "notes[0].text: it is no text"),
        ("series.step_seconds", 0, "it is no length of time"),
        ("series.journeys.buy.failed", [0], "its columns are not equally long"),
        ("series.journeys.buy.arrivals.0", -1, "it is no column of counts"),
    ],
)
def test_what_is_wrong_is_told_with_its_path_and_nothing_is_written(
    path: str, value: Any, says: str, folder: Path
) -> None:
    """The file, the place in it, and what is there instead; no half of a report."""
    record = days.saved(folder)
    at(record, path, value)
    days.save(folder, record)
    with pytest.raises(UsageError) as raised:
        afteraction.write(folder)
    assert says in str(raised.value)
    assert str(folder) in (raised.value.where or "")
    assert not (folder / afteraction.HTML).exists()


@pytest.mark.parametrize("key", ["title", "started_at", "system", "origin", "seed", "kind", "version"])
def test_what_is_missing_is_named(key: str, folder: Path) -> None:
    """All that a report cannot do without; a day without a title has one all the same."""
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
def test_what_is_no_record_is_one_clear_error(text: str | None, tmp_path: Path) -> None:
    """Absent, empty, half written or something else."""
    if text is not None:
        (tmp_path / "gameday.json").write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError) as raised:
        afteraction.read(tmp_path)
    assert str(tmp_path / "gameday.json") == raised.value.where


def test_a_journal_that_is_none_is_told_by_its_path(folder: Path) -> None:
    """A step whose journal was spoilt names the file, not only the record."""
    name = days.saved(folder)["steps"][0]["journal"]
    (folder / name).write_text(json.dumps({"version": 1}))
    with pytest.raises(UsageError) as raised:
        afteraction.read(folder)
    assert raised.value.where == str(folder / name)
