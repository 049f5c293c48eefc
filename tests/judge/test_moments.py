"""The moments that matter."""

from __future__ import annotations

import pytest

from chaoskit.judge import Judgement, Verdict, moments, phases
from chaoskit.record.history import Mark
from chaoskit.system import Impact
from tests.judge.histories import API_LOST, MAIL_LOST, PHASES, Rule, during, history, whole


def found(rule: Rule, impact: Impact) -> list[tuple[str, float, str]]:
    """The moments of an experiment beside its marks."""
    record = history(rule)
    times = phases(record.marks, 24.375)
    every = moments(record.marks, times, whole(record, impact))
    assert [each.at for each in every] == sorted(each.at for each in every)
    return [(each.name, each.at, each.journey) for each in every if each.name not in PHASES]


def test_a_quiet_experiment_has_its_marks_and_no_more() -> None:
    """An experiment without a broken promise and without a recovery has only its marks."""
    assert found(lambda at: None, MAIL_LOST) == []


def test_where_a_promise_broke_is_counted_from_the_landing() -> None:
    """The finding says how long after landing it first broke; the moment is on the clock of the marks."""
    broke, _ = found(during(8.0, 14.0, "503"), MAIL_LOST)
    assert broke == ("broke", 8.0, "browse")


def test_where_a_journey_came_back_is_counted_from_the_lift() -> None:
    """A journey that failed for 1.5 s after the lift at 12.5 s was back at 14 s."""
    assert found(during(7.0, 14.0, "503"), API_LOST) == [("recovered", 14.0, "browse")]


def test_a_recovery_that_came_too_late_broke_at_its_deadline() -> None:
    """Five seconds after the lift the promise is broken, whenever it comes back."""
    late = found(during(7.0, 18.5, "503"), API_LOST)
    name, at, journey = late[0]
    assert (name, journey) == ("broke", "browse")
    assert at == pytest.approx(17.5)


def test_a_mark_tells_its_sentence_or_else_its_figures() -> None:
    """What was injected, what was seen, and what an instrument has measured."""
    marks = [
        Mark("inject", 1.0, {"fault": "Kill('db')"}),
        Mark("promise", 2.0, {"promise": "drain", "kept": True, "says": "empty after 3 s", "seconds": 3.0}),
        Mark("load-lag", 3.0, {"seconds": 0.2}),
        Mark("end", 4.0, {"load": {"scheduled": 7}}),
    ]
    every = moments(marks, phases(marks, 4.0), Judgement(Verdict.HELD, ()))
    assert [each.says for each in every] == ["Kill('db')", "drain: empty after 3 s", "seconds 0.2", ""]
