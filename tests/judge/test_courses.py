"""Rates that change: the judge expects exactly the requests that are due."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaoskit.judge import JudgeSettings, Verdict, observation_limit, recovered
from chaoskit.record.history import History, Mark
from chaoskit.system.arrivals import Course, steps
from tests.judge.histories import BROWSE, RATE, SETTINGS, during, finding, judged, marks, requests

BRIEF = SETTINGS.brief(3.0)

TENFOLD = replace(BROWSE, rate=RATE * 10)
LOW = replace(TENFOLD, course=Course(((0.0, 0.1),)))
"""As many as are on record: a tenth of the declared rate."""


def test_a_low_course_is_no_gap() -> None:
    """Where few were due, few on record are all; of a steady rate most of them would be missing."""
    assert judged(terms=LOW).verdict is Verdict.HELD
    assert finding(judged(terms=TENFOLD), "measurement").verdict is Verdict.UNKNOWN


def test_a_gap_is_seen_in_a_high_course() -> None:
    """Where the rate has grown tenfold, the declared one on record is a gap."""
    grown = replace(BROWSE, course=steps((6.0, 10.0)))
    found = finding(judged(terms=grown), "measurement")
    assert found.verdict is Verdict.UNKNOWN
    assert "fault window" in found.reason


def test_recovery_is_judged_at_the_rate_of_its_time() -> None:
    """The stability window must hold enough requests at the rate after the lift, not at the declared rate."""
    judgement = judged(during(6.5, 14.0, "503"), terms=replace(LOW, needs=("mail",)))
    assert judgement.recovery is not None
    assert judgement.recovery.seconds == pytest.approx(1.5)
    assert judgement.verdict is Verdict.HELD


def test_the_course_counts_from_where_the_load_began() -> None:
    """A warm-up before the control window is part of it."""
    history = History()
    history.add(Mark("begin", 0.0), *marks(), *requests(end=20.0))
    later = replace(TENFOLD, course=steps((0.0, 0.1), (18.0, 1.0)))
    assert recovered([later], history, 12.5, 17.9, BRIEF)
    early = replace(TENFOLD, course=steps((0.0, 0.1), (13.0, 1.0)))
    assert not recovered([early], history, 12.5, 17.9, BRIEF)


def test_poisson_arrivals_may_have_gaps() -> None:
    """With independent users a gap proves nothing; with even arrivals the missing request is in flight."""
    history = History()
    kept = [sample for sample in requests(end=20.0) if not 14.0 <= sample.intended < 14.5]
    history.add(*marks(), *kept)
    assert not recovered([BROWSE], history, 12.5, 20.0, BRIEF)
    assert recovered([replace(BROWSE, pattern="poisson")], history, 12.5, 20.0, BRIEF)


def test_the_slowest_rate_decides_how_long_to_look() -> None:
    """An observation lasts until the lowest rate of the course has shown enough."""
    settings = JudgeSettings(doubt=0.0)
    slow = replace(BROWSE, course=steps((100.0, 0.01)))
    assert observation_limit([slow], settings) > observation_limit([BROWSE], settings) + 100
