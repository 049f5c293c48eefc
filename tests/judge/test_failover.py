"""The time that a journey may take, under a fault, to reach its degraded SLO."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaoskit.judge import JourneyJudgement, Verdict
from chaoskit.record.history import History
from chaoskit.system import Slo
from tests.judge.histories import BROWSE, CACHE_LOST, PHASES, Rule, during, finding, marks, requests, whole

INJECT, LANDED, LIFT = 6.0, 6.5, 18.5
LONGER = {**PHASES, "lift": LIFT, "gone": 18.75, "end": 30.5}
"""Twelve seconds of fault."""


def judged(rule: Rule, within: float) -> JourneyJudgement:
    """The judgement on a journey that may take so long to reach 99% and 2 s without its cache."""
    record = History()
    record.add(*marks(LONGER), *requests(rule, end=30.5))
    terms = replace(BROWSE, degraded=Slo(availability=0.99, p95=2.0, within=within))
    return whole(record, CACHE_LOST, terms).journeys[0]


@pytest.mark.parametrize(
    ("out", "verdict"), [(2.0, Verdict.HELD), (4.75, Verdict.UNKNOWN), (8.0, Verdict.BROKEN)]
)
def test_a_failover_is_judged_by_its_interval(out: float, verdict: Verdict) -> None:
    """Five seconds are allowed; a fail-over too close to them is UNKNOWN."""
    found = judged(during(INJECT, INJECT + out, "503"), within=5.0)
    assert finding(found, "fails over").verdict is verdict
    assert found.failover is not None
    assert found.failover.seconds == out
    assert found.failover.earliest < out < (found.failover.latest or 99.0)


def test_the_words_say_from_when_and_of_which_slo() -> None:
    """The sentence carries its own interval: from the landing at the least, from the injection at most."""
    found = finding(judged(during(INJECT, INJECT + 2, "503"), within=5.0), "fails over")
    assert found.reason == (
        "back inside its degraded SLO 2.00 s after the injection (between 1.25 s and 2.39 s), 5 s allowed"
    )


def test_after_the_failover_the_degraded_slo_holds() -> None:
    """A failure later than the granted time breaks the degraded SLO of a journey that has failed over."""
    found = judged(lambda at: "503" if INJECT <= at < 8 or 15 <= at < 17 else None, within=5.0)
    assert finding(found, "fails over").verdict is Verdict.BROKEN
    calm = judged(during(INJECT, 8.0, "503"), within=5.0)
    assert finding(calm, "degraded").verdict is Verdict.HELD
    assert finding(calm, "degraded").reason.startswith("from 5.0 s after the injection to the lift 0 of")


def test_without_a_time_for_it_nothing_is_granted() -> None:
    """Two seconds out break the degraded SLO; how long they were is measured all the same."""
    found = judged(during(INJECT, INJECT + 2, "503"), within=0.0)
    assert finding(found, "degraded").verdict is Verdict.BROKEN
    assert found.failover is not None
    assert found.failover.seconds == 2.0


def test_a_journey_that_never_left_its_degraded_slo() -> None:
    """A journey without a bad request has failed over at once."""
    found = judged(lambda _: None, within=5.0)
    assert finding(found, "fails over").reason == (
        "inside its degraded SLO within one arrival (≤ 125 ms) of the injection, 5 s allowed"
    )
    assert found.verdict is Verdict.HELD
