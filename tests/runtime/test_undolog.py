"""The undo log."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.errors import JournalUnwritable, RuntimeFailure
from chaoskit.runtime import Undo
from chaoskit.runtime.undolog import UndoLog, pending, replay


def steps(*targets: str) -> list[Undo]:
    """A step for each target."""
    return [Undo("mend", target) for target in targets]


def test_what_is_not_done_is_pending_last_first(tmp_path: Path) -> None:
    """After a crash the announced steps that were never done are there, the last one first."""
    log = UndoLog(tmp_path / "run" / "undo.jsonl")
    first = log.ahead(steps("a", "b"))
    log.ahead([Undo("remove_toxic", "c", {"name": "slow"})])
    log.done(first[:1])
    assert [step.target for step in pending(log.path).values()] == ["c", "b"]


@given(st.integers(0, 400))
def test_a_line_cut_short_by_a_crash_loses_only_itself(
    tmp_path_factory: pytest.TempPathFactory, keep: int
) -> None:
    """However much of the file was written, reading it gives a prefix of what was announced."""
    path = tmp_path_factory.mktemp("undo") / "undo.jsonl"
    UndoLog(path).ahead(steps("a", "b", "c", "d"))
    path.write_bytes(path.read_bytes()[:keep])
    left = [step.target for step in pending(path).values()]
    assert left == ["a", "b", "c", "d"][: len(left)][::-1]


def test_replay_goes_on_after_a_failure_and_keeps_it_pending(tmp_path: Path) -> None:
    """A failed step does not stop the others, and stays pending for the next try."""
    path = tmp_path / "undo.jsonl"
    UndoLog(path).ahead(steps("a", "b", "c"))

    def undo(step: Undo) -> None:
        if step.target == "b":
            raise RuntimeFailure("the API hangs")

    taken, failed = replay(path, undo)
    assert [step.target for step in taken] == ["c", "a"]
    assert failed == ["mend b: the API hangs"]
    assert [step.target for step in pending(path).values()] == ["b"]


def test_a_log_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    """The caller learns that the log cannot be written before anything is injected."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnwritable, match="nothing is injected"):
        UndoLog(tmp_path / "file" / "undo.jsonl").ahead(steps("a"))
