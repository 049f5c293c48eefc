"""Back inside the SLO within the deadline of five seconds, for good."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chaoskit.judge import Recovery, Verdict, observation_limit, recovered
from chaoskit.record.history import History
from chaoskit.system import Slo, Terms
from tests.judge.histories import (
    API_LOST,
    BROWSE,
    RATE,
    SETTINGS,
    SLO,
    Rule,
    during,
    finding,
    judged,
    ok,
    requests,
)
from tests.judge.synthetic import recovery_of

LIFT = 12.5
BRIEF = SETTINGS.brief(3.0)


def out(start: float, end: float) -> Rule:
    """Failing from 7 s to lifting, and from ``start`` to ``end`` seconds after it."""
    return lambda at: "503" if 7 <= at < LIFT or LIFT + start <= at < LIFT + end else None


def test_two_seconds_of_outage_after_lifting() -> None:
    """Recovery takes the two seconds, and the interval is a few requests long."""
    found = judged(out(0, 2), API_LOST)
    assert found.recovery is not None
    assert found.recovery == Recovery(2.0, 1.75, 2.390625, 5.0, disturbed=True, gap=0.125)
    assert finding(found, "recovery").verdict is Verdict.HELD
    assert finding(found, "recovery").reason == (
        "back inside its SLO 2.00 s after the lift (between 1.75 s and 2.39 s), 5 s allowed"
    )


@pytest.mark.parametrize("until", [0.1, 0.2, 0.3])
def test_an_outage_that_ends_just_after_the_lift_leaves_no_doubt(until: float) -> None:
    """One to three failures after the mark belong to the outage before it, which tells how dense it was."""
    found = judged(out(0, until), API_LOST)
    held = finding(found, "recovery")
    assert held.verdict is Verdict.HELD, held.reason
    assert found.recovery is not None
    assert found.recovery.latest is not None
    assert until <= found.recovery.latest <= 1.5


def test_failures_after_the_lift_without_an_outage_before_it_are_a_doubt() -> None:
    """Two failures in a row that come only with the lift do not tell how dense a stretch goes on unseen."""
    found = judged(lambda at: "503" if LIFT <= at < LIFT + 0.2 else None, API_LOST)
    assert finding(found, "recovery").verdict is Verdict.UNKNOWN


def test_never_disturbed() -> None:
    """A journey that the fault does not reach has recovered at once."""
    found = judged()
    assert found.recovery is not None
    assert found.recovery.seconds == 0.0
    assert not found.recovery.disturbed
    assert finding(found, "recovery").reason == (
        "inside its SLO within one arrival (≤ 125 ms) of the lift, and until the end of the observation "
        "11.9 s after it"
    )


def test_too_late() -> None:
    """Six seconds where five are allowed break the promise, with the figure."""
    found = judged(out(0, 6), API_LOST)
    broken = finding(found, "recovery")
    assert (broken.verdict, broken.at) == (Verdict.BROKEN, 5.0)
    assert broken.reason == (
        "back inside its SLO 6.00 s after the lift (between 5.75 s and 6.39 s), 5 s allowed"
    )


@pytest.mark.parametrize("outage", [4.75, 5.0, 5.125])
def test_too_close_to_tell(outage: float) -> None:
    """A deadline within the interval is neither kept nor broken, whatever the estimate says."""
    found = finding(judged(out(0, outage), API_LOST), "recovery")
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.endswith("5 s allowed: too close to tell at 8 requests per second")


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_one_failure_as_the_lift_begins_decides_nothing(share: float) -> None:
    """The first request after the mark of a lift often still fails: then the journey is inside with the next.

    Among thousands of good requests one failure must not leave open whether the journey ever recovered.
    """
    slo = Slo(availability=0.995, recovery=3.0)
    found = recovery_of(40.0, share, 1 / 40.0, 30.0, slo, random.Random(2))
    (finding_,) = found.findings
    assert finding_.verdict is Verdict.HELD, finding_.reason


def test_one_failure_beyond_the_deadline_of_a_slow_journey_is_a_doubt() -> None:
    """Where the next request comes only after the deadline, one failure leaves open when it was over."""
    slo = Slo(availability=0.995, recovery=3.0)
    found = recovery_of(0.25, 1.0, 4.0, 4000.0, slo, random.Random(2))
    assert found.findings[0].verdict is Verdict.UNKNOWN


def test_a_few_failures_after_the_deadline_are_a_doubt() -> None:
    """Three failures in a row, later than allowed, are too few to be sure that it was outside, and too
    many to say that it was not.
    """
    found = finding(judged(out(6, 6.25), API_LOST), "recovery")
    assert found.verdict is Verdict.UNKNOWN
    assert "it may have been outside its SLO" in found.reason


def test_never_recovered() -> None:
    """Still outside when the deadline and the observation are over."""
    found = judged(out(0, 99), API_LOST)
    assert finding(found, "recovery").verdict is Verdict.BROKEN
    assert finding(found, "recovery").reason == (
        "not back inside its SLO 11.8 s after the lift, 11.9 s observed, 5 s allowed"
    )
    assert found.recovery is not None
    assert found.recovery.seconds is None


@pytest.mark.parametrize(("outage", "end"), [(99.0, 16.0), (4.0, 18.0), (0.0, 14.0)])
def test_observation_that_ended_too_early(outage: float, end: float) -> None:
    """An observation that ends too early is UNKNOWN: the journey might yet recover, or prove stable."""
    found = finding(judged(out(0, outage), API_LOST, end=end), "recovery")
    assert found.verdict is Verdict.UNKNOWN
    assert "the observation ended too early" in found.reason


def test_a_relapse_after_the_deadline() -> None:
    """Back in time, out again later: it did not stay recovered, and the report says when."""
    found = judged(out(7, 8), API_LOST)
    assert finding(found, "recovery").verdict is Verdict.HELD
    relapse = finding(found, "stays recovered")
    assert (relapse.verdict, relapse.at) == (Verdict.BROKEN, 7.0)
    assert relapse.reason == (
        "inside its SLO from the lift on, outside it again from +7.0 s to +8.0 s after the lift"
    )


def test_a_relapse_within_the_deadline_is_told_and_no_breach() -> None:
    """Out for one second of the five allowed is no worse than out for all of them."""
    found = judged(out(3.0, 4.0), API_LOST)
    assert found.verdict is Verdict.HELD
    assert found.recovery is not None
    assert found.recovery.seconds == 4.0
    assert "from +3.0 s to +4.0 s" in finding(found, "stays recovered").reason


def test_a_fault_that_may_still_be_there_is_not_recovered_from() -> None:
    """Without evidence that the fault is gone, not recovering breaks nothing."""
    found = finding(judged(out(0, 99), API_LOST, without=("gone",)), "recovery")
    assert found.verdict is Verdict.UNKNOWN
    assert "not seen to be gone" in found.reason


def test_no_request_after_lifting() -> None:
    """Without samples the verdict is UNKNOWN."""
    assert finding(judged(end=12.5), "recovery").reason == "no request was due after the lift began"


def test_a_fault_that_was_never_lifted() -> None:
    """Without a lift mark there is nothing to count from."""
    assert finding(judged(without=("lift", "gone")), "recovery").verdict is Verdict.UNKNOWN


def online(rule: Rule, now: float, terms: Terms = BROWSE, end: float = 1e9) -> bool:
    """What the harness is told at ``now``, when only requests that have ended are on record."""
    record = History()
    record.add(*(each for each in requests(rule, end=min(now, end)) if each.ended and each.ended <= now))
    return recovered([terms], record, 0.0, now, BRIEF)


@pytest.mark.parametrize(("now", "expected"), [(3.9, False), (4.1, True)])
def test_online_without_disturbance(now: float, expected: bool) -> None:
    """True after a stability window of three seconds and one for the last requests to end."""
    assert online(lambda _: None, now) is expected


@pytest.mark.parametrize(("now", "expected"), [(5.9, False), (6.1, True)])
def test_online_after_an_outage(now: float, expected: bool) -> None:
    """An outage of two seconds puts it off by two seconds."""
    assert online(during(0, 2, "503"), now) is expected


def test_online_requests_that_hang_are_missed() -> None:
    """Half of the requests hang and are not on record yet; the good half must not end the wait."""
    assert not online(lambda at: 30.0 if at * RATE % 2 else None, 9.0)


def test_online_with_a_slow_journey_without_latency_promise() -> None:
    """A journey that takes two seconds has always some in flight, and recovers all the same."""
    patient = replace(BROWSE, slo=Slo(availability=0.99))
    assert online(lambda _: 2.0, 8.0, patient)


def test_online_without_any_request() -> None:
    """A load generator that has died proves no recovery."""
    assert not online(lambda _: None, 20.0, end=0.0)
    assert not recovered([], History(), 0.0, 100.0)


def test_online_every_journey_counts() -> None:
    """One journey that is still out holds up the end."""
    record = History()
    record.add(*requests(end=10.0), *requests(lambda _: "503", end=10.0, journey="buy"))
    buy = replace(BROWSE, name="buy")
    assert recovered([BROWSE], record, 0.0, 10.0, BRIEF)
    assert not recovered([BROWSE, buy], record, 0.0, 10.0, BRIEF)


def test_online_counts_from_lifting() -> None:
    """Requests from before do not make a stability window that has not passed yet."""
    record = History()
    record.add(*requests(during(2.0, 3.0, "503"), end=7.0))
    assert not recovered([BROWSE], record, 5.0, 7.0, BRIEF)


def test_online_poisson_arrivals() -> None:
    """Where arrivals are not even, a few that seem to be missing prove nothing."""
    record = History()
    record.add(*(ok(at / RATE) for at in range(80) if at % 8))
    assert not recovered([BROWSE], record, 0.0, 10.0, BRIEF)
    assert recovered([BROWSE], record, 0.0, 10.0, replace(BRIEF, even_arrivals=False))


def test_a_slow_journey_is_watched_for_longer() -> None:
    """One request in two seconds shows nothing in three; the window is as long as it must be."""
    assert SETTINGS.stable_for(RATE) == 3.0
    assert SETTINGS.stable_for(0.5) == 22.0
    assert observation_limit([BROWSE], BRIEF) == SLO.recovery + 3.0 + BROWSE.timeout
    assert observation_limit([BROWSE], SETTINGS) == SLO.recovery + SETTINGS.doubt + BROWSE.timeout
    assert observation_limit([]) == 0.0
