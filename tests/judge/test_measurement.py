"""A late load generator is reported, never hidden, and breaks no promise of the system."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaoskit.judge import JudgeSettings, Verdict
from chaoskit.system import Slo
from tests.judge.histories import BROWSE, SETTINGS, Rule, failed, finding, judged, never_sent, ok


def late(lag: float, start: float = 8.0, end: float = 9.0, service: float = 1 / 64) -> Rule:
    """Requests in [start, end) were sent ``lag`` seconds late, and then took ``service`` seconds."""
    return lambda at: ok(at, lag + service, lag=lag) if start <= at < end else None


def test_an_engine_in_time() -> None:
    """A lag of less than a tenth of the p95 of 0.25 s has no finding."""
    assert judged(late(1 / 64)).verdict is Verdict.HELD


def test_latency_that_is_the_engines_own_breaks_nothing() -> None:
    """A second of lag makes every request slow: the journey is UNKNOWN, with the figures."""
    found = judged(late(1.0))
    assert found.verdict is Verdict.UNKNOWN
    measured = finding(found, "measurement")
    assert measured.reason == (
        "the load generator was late in the fault window: 8 of 48 requests were sent more than 0.025 s "
        "after they were due, by 1 s at most; only a promise that is broken even so counts"
    )
    assert all(each.verdict is not Verdict.BROKEN for each in found.findings)


def test_a_small_lag_that_is_within_the_promise_is_told_too() -> None:
    """Late by a fifth of the promise: nothing breaks, but the load was not what was declared."""
    assert judged(late(0.0625)).verdict is Verdict.UNKNOWN


def test_one_late_request_decides_nothing() -> None:
    """A single hiccup of the load generator is not lateness."""
    assert judged(late(0.0625, 8.0, 8.125)).verdict is Verdict.HELD


def test_slowness_beyond_the_lag_is_the_systems() -> None:
    """Two seconds of latency are not explained by a tenth of a second of lag."""
    found = judged(late(0.125, 8.0, 9.5, service=2.0))
    assert found.verdict is Verdict.BROKEN
    assert finding(found, "independence").verdict is Verdict.BROKEN


def test_failures_are_not_explained_by_lag() -> None:
    """An error is an error, however late the request was."""
    found = judged(lambda at: replace(failed(at, 0.25), started=at + 0.125) if 8 <= at < 9 else None)
    assert finding(found, "measurement").verdict is Verdict.UNKNOWN
    assert found.verdict is Verdict.BROKEN


def test_what_a_late_engine_never_sent_breaks_nothing() -> None:
    """A late load generator is itself the cause of unsent requests; one on time shows the system's stall."""
    assert judged(lambda at: never_sent(at) if 8 <= at < 9 else None).verdict is Verdict.BROKEN
    stuck = judged(lambda at: never_sent(at) if 8 <= at < 9 else late(0.5, 9.0, 10.0)(at))
    assert stuck.verdict is Verdict.UNKNOWN


def test_a_journey_without_latency_promise_is_measured_by_the_reference() -> None:
    """A tenth of the reference of one second."""
    patient = replace(BROWSE, slo=Slo(availability=0.99))
    assert judged(late(0.0625), terms=patient).verdict is Verdict.HELD
    assert judged(late(0.125), terms=patient).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("start", "phase"), [(1.0, "control"), (8.0, "fault"), (15.0, "recovery")])
def test_every_window_is_looked_at(start: float, phase: str) -> None:
    """Lateness in any window makes the journey UNKNOWN, and the window is named."""
    found = judged(late(0.125, start, start + 1))
    assert f"in the {phase} window" in finding(found, "measurement").reason


def test_arrivals_that_are_missing_from_the_record() -> None:
    """A fault window with a quarter of its arrivals shows too little, whatever it shows."""
    terms = replace(BROWSE, rate=32.0)
    found = judged(terms=terms)
    assert "48 requests are on record for the control window of 6.0 s, about 192 were due" in (
        finding(found, "measurement").reason
    )
    assert (
        judged(terms=terms, settings=JudgeSettings(stability=3.0, min_coverage=0.0)).verdict is Verdict.HELD
    )


def test_the_share_of_lag_is_a_setting() -> None:
    """The settings can allow a greater lag."""
    assert judged(late(0.0625), settings=replace(SETTINGS, max_lag_share=0.5)).verdict is Verdict.HELD
