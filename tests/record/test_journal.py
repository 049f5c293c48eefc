"""The journal."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.errors import JournalUnwritable, UsageError
from chaoskit.record import journal
from chaoskit.record.history import Access, Acknowledgement, Check, History, Mark, Outcome, Sample
from chaoskit.record.journal_types import HistoryRecord
from chaoskit.record.jsontext import pieces
from chaoskit.system import Impact

TIMES = st.integers(0, 10**9).map(lambda microseconds: microseconds / 1e6)
SAMPLES = st.builds(
    Sample,
    journey=st.sampled_from(["browse", "buy"]),
    intended=TIMES,
    started=st.none() | TIMES,
    ended=st.none() | TIMES,
    outcome=st.sampled_from(list(Outcome)),
    error=st.sampled_from(["", "ConnectError: refused", "HTTPStatusError: 503"]),
)
MARKS = st.builds(Mark, name=st.sampled_from(["control", "inject"]), at=TIMES)


@given(st.lists(SAMPLES, min_size=1), st.lists(MARKS))
def test_a_history_survives_the_journey_through_json(samples: list[Sample], marks: list[Mark]) -> None:
    """Everything that decides a verdict comes back, to the microsecond and in its order."""
    history = History()
    history.add(*samples, *marks, Acknowledgement("buy", "order", "7", 1.0), Check("order", "7", True))
    record = json.loads("".join(pieces(journal.history_to_record(history))))
    back = journal.history_from_record(record)
    origin = record["origin"]
    assert [mark.name for mark in back.marks] == [mark.name for mark in marks]
    assert back.checks == history.checks
    for name in ("browse", "buy"):
        wanted = [sample for sample in history.samples if sample.journey == name]
        found = [sample for sample in back.samples if sample.journey == name]
        assert [(s.outcome, s.error) for s in found] == [(s.outcome, s.error) for s in wanted]
        assert [s.intended for s in found] == pytest.approx([s.intended - origin for s in wanted], abs=2e-6)


@given(st.lists(SAMPLES, max_size=30), st.booleans())
def test_the_columns_of_a_record_are_its_samples(samples: list[Sample], ascending: bool) -> None:
    """The columns read back hold what was recorded one by one, also where two requests were due at the same
    moment. They can grow, and writing them again gives the same text.
    """
    history = History()
    history.add(*(sorted(samples, key=lambda each: each.intended) if ascending else samples), Mark("a", 0.0))
    text = "".join(pieces(journal.history_to_record(history)))
    back = journal.history_from_record(json.loads(text))
    rows = zip(history.samples, back.samples, strict=True)
    assert all((a.journey, a.outcome, a.error) == (b.journey, b.outcome, b.error) for a, b in rows)
    assert "".join(pieces(journal.history_to_record(back))) == text
    more = Sample("buy", 10.0**6, None, None, Outcome.FAILED, "of its own")
    back.add(more)
    assert more in back.samples


def record_of(samples: Any) -> HistoryRecord:
    """A history of these samples and nothing else; they may be as wrong as a test wants them."""
    return {
        "origin": 0.0,
        "outcomes": ["ok", "failed"],
        "errors": ["503"],
        "samples": samples,
        "marks": [],
        "acknowledgements": [],
        "checks": [],
    }


def test_requests_due_at_once_or_out_of_turn_find_their_place() -> None:
    """A record in any order gives the same columns as its requests one by one."""
    rows = [(2.0, 2.0, 3.0, 0), (1.0, 1.5, None, 1), (2.0, None, None, 1), (2.0, 2.0, 2.5, 0)]
    intended, started, ended, outcome = zip(*rows, strict=True)
    column = {"intended": intended, "started": started, "ended": ended, "outcome": outcome, "error": [-1] * 4}
    back = journal.history_from_record(record_of({"browse": column}))
    history = History()
    for due, sent, over, what in rows:
        history.add(Sample("browse", due, sent, over, (Outcome.OK, Outcome.FAILED)[what]))
    assert back.samples == history.samples
    assert [each.intended for each in back.samples] == [1.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": [0]},
        {"outcome": [9, 0]},
        {"error": [5, -1]},
        {"intended": [1.0, None]},
        {"intended": ["one", "two"]},
        {"started": [10**400, 1]},
    ],
)
def test_columns_that_do_not_fit_together_are_refused(wrong: dict[str, list[object]]) -> None:
    """No request is invented, and none is dropped silently."""
    columns = {"intended": [1.0, 2.0], "started": [1.0, 2.0], "ended": [1.5, None]}
    rows = {**columns, "outcome": [0, 1], "error": [-1, 0], **wrong}
    with pytest.raises((ValueError, TypeError, IndexError, OverflowError)):
        journal.history_from_record(record_of({"browse": rows}))


def test_what_users_wrote_and_read_is_in_the_published_form() -> None:
    """Accesses match the schema and come back; a journal without them is valid too."""
    history = History()
    history.add(Mark("control", 100.0), Access("browse", 3, "orders", "7", True, 2, 100.5))
    history.add(Access("browse", 3, "orders", "7", False, None, 101.0))
    record = json.loads("".join(pieces(journal.history_to_record(history))))
    schema = json.loads(journal.SCHEMA.read_text())["properties"]["history"]
    jsonschema.validate(record, schema)
    assert journal.history_from_record(record).accesses == (
        Access("browse", 3, "orders", "7", True, 2, 0.5),
        Access("browse", 3, "orders", "7", False, None, 1.0),
    )
    del record["accesses"]
    jsonschema.validate(record, schema)
    assert journal.history_from_record(record).accesses == ()


def test_an_impact_survives_the_journey_through_json() -> None:
    """An impact comes back from JSON as it was."""
    impact = Impact(lost=frozenset({"a"}), severed=frozenset({("b", "c")}))
    assert journal.impact_from_record(json.loads(json.dumps(journal.impact_to_record(impact)))) == impact


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that cannot be written whole leaves no file, no part of one, and no verdict."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(JournalUnwritable, match="No space left on device") as raised:
        journal.put_json(tmp_path / "reports" / "one.json", {"version": 1}, "it cannot be written")
    assert "--chaos-report-dir" in str(raised.value)
    assert list((tmp_path / "reports").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "not valid JSON"), ('{"version": 99, "judgement": {}}', "version 99"), ("[]", "no version")],
)
def test_a_file_that_is_not_a_journal_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """A file that is not a journal of this version is refused, with what it is."""
    path = tmp_path / "one.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        journal.read(path)
    with pytest.raises(UsageError, match="cannot be read"):
        journal.read(tmp_path / "absent.json")
