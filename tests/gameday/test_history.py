"""The history of a day, and excerpts of it."""

from __future__ import annotations

from chaoskit.gameday.history import DayHistory
from chaoskit.record.history import Acknowledgement, Check, Mark, Outcome, Sample


def sample(at: float) -> Sample:
    """A request."""
    return Sample("buy", at, at, at + 1, Outcome.OK)


def test_an_excerpt_has_the_entries_of_its_time() -> None:
    """Requests that were due before its start or after its end are left out, whenever they are recorded."""
    day = DayHistory()
    day.add(
        sample(1), sample(5), Acknowledgement("buy", "order", "1", 2), Acknowledgement("buy", "order", "2", 6)
    )
    part = day.follow(4)
    day.add(sample(3), sample(7), Mark("load-lag", 7), Acknowledgement("buy", "order", "3", 3))
    part.until = 8
    day.add(sample(7.5), sample(8), Acknowledgement("buy", "order", "4", 9), Check("order", "2", True))
    day.leave(part)
    day.add(sample(7.9))
    assert [each.intended for each in part.samples] == [5, 7, 7.5]
    assert [each.id for each in part.acknowledgements] == ["2"]
    assert [each.name for each in part.marks] == ["load-lag"]
    assert len(part.checks) == 1
    assert len(day.samples) == 7


def test_two_excerpts_do_not_disturb_each_other() -> None:
    """Each excerpt grows by its own entries."""
    day = DayHistory()
    first, second = day.follow(0), day.follow(5)
    day.add(sample(1), sample(6))
    assert len(first.samples) == 2
    assert len(second.samples) == 1
