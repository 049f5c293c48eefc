"""Steady state, and what holds while a fault is active."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaoskit.judge import Standing, Verdict
from chaoskit.record.history import History
from chaoskit.system import Slo
from tests.judge.histories import (
    API_LOST,
    BROWSE,
    CACHE_LOST,
    MAIL_LOST,
    PHASES,
    SLO,
    during,
    failed,
    finding,
    judged,
    marks,
    never_sent,
    ok,
    requests,
    whole,
)

FORGIVING = replace(BROWSE, degraded=Slo(availability=0.9, p95=2.0))
FAST_FAILING = replace(BROWSE, slo=replace(SLO, fails_within=0.5))


def test_an_unaffected_journey_keeps_its_full_slo() -> None:
    """Failures of a journey that does not concern the fault break independence, with the figures."""
    found = judged(during(7.0, 8.0, "HTTPStatusError: 503"), MAIL_LOST)
    broken = finding(found, "independence")
    assert (found.standing, found.verdict, broken.at) == (Standing.UNAFFECTED, Verdict.BROKEN, 0.5)
    assert broken.reason == (
        "from the landing to the lift 8 of 48 requests failed (16.7%), 0.5% allowed, all in one burst; "
        "first +0.5 s after the landing: HTTPStatusError: 503"
    )


def test_injecting_disturbs_too() -> None:
    """A failure between injection and landing counts for the fault, dated before the landing."""
    broken = finding(judged(during(6.0, 6.5, "reset")), "independence")
    assert (broken.verdict, broken.at) == (Verdict.BROKEN, -0.5)
    assert "first 0.5 s before the landing" in broken.reason


def test_requests_in_flight_at_the_injection_are_the_faults() -> None:
    """Six requests that were sent before the injection and fail by it do not spoil the steady state."""
    found = judged(lambda at: failed(at, 1.0) if 5.25 <= at < 6.0 else None)
    assert finding(found, "steady state").verdict is Verdict.HELD
    assert finding(found, "independence").verdict is Verdict.BROKEN


def test_a_long_landing_does_not_dilute_the_fault() -> None:
    """Three failures of the 16 requests since landing break 99%; of the 58 since injection they
    would not.
    """
    record = History()
    record.add(*marks({**PHASES, "landed": 10.5}), *requests(during(11.0, 11.375, "503")))
    terms = replace(BROWSE, slo=replace(SLO, availability=0.99))
    broken = finding(whole(record, MAIL_LOST, terms).journeys[0], "independence")
    assert (broken.verdict, broken.figures["availability_samples"]) == (Verdict.BROKEN, 16)


@pytest.mark.parametrize(("what", "verdict"), [(1.0, Verdict.HELD), (3.0, Verdict.BROKEN)])
def test_a_journey_that_uses_what_is_lost_keeps_its_degraded_slo(what: float, verdict: Verdict) -> None:
    """A second for every request is within the degraded promise of two, three seconds are not."""
    found = judged(during(6.0, 12.5, what), CACHE_LOST, FORGIVING)
    assert found.standing is Standing.DEGRADED
    assert finding(found, "degraded").verdict is verdict


def test_without_a_degraded_slo_the_full_one_holds() -> None:
    """Without a degraded SLO the journey owes its full SLO."""
    assert finding(judged(during(6.0, 12.5, 1.0), CACHE_LOST), "degraded").verdict is Verdict.BROKEN


def test_a_journey_that_needs_what_is_lost_may_fail() -> None:
    """Total failure while the fault is active breaks nothing."""
    found = judged(during(6.0, 12.5, "503"), API_LOST)
    assert (found.standing, found.verdict) == (Standing.MAY_FAIL, Verdict.HELD)


def test_failing_fast() -> None:
    """95% of the failing requests of a journey that may fail must end within half a second."""
    quick = judged(during(6.0, 12.5, "503"), API_LOST, FAST_FAILING)
    assert finding(quick, "fails fast").verdict is Verdict.HELD
    slow = judged(lambda at: failed(at, 2.0) if 6 <= at < 12.5 else None, API_LOST, FAST_FAILING)
    broken = finding(slow, "fails fast")
    assert (slow.verdict, broken.verdict, broken.at) == (Verdict.BROKEN, Verdict.BROKEN, 0.0)
    assert broken.reason == (
        "48 of 48 failing requests took longer than 0.5 s to end (100%), 5% allowed; the slowest took 2.00 s"
    )


def test_waiting_in_vain_is_not_failing_fast() -> None:
    """A request that was never sent kept its user waiting in vain, so it breaks the promise."""
    found = judged(lambda at: never_sent(at) if 6 <= at < 12.5 else None, API_LOST, FAST_FAILING)
    assert "none was answered" in finding(found, "fails fast").reason


def test_failing_fast_in_a_short_window() -> None:
    """Four requests since landing are too few to tell how fast a journey fails."""
    record = History()
    record.add(*marks({**PHASES, "landed": 12.0}), *requests(during(6.0, 12.5, "503")))
    found = finding(whole(record, API_LOST, FAST_FAILING).journeys[0], "fails fast")
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "4 requests in the fault window, 10 needed")


def test_a_late_answer_is_late_also_if_it_is_good() -> None:
    """A user who may be refused waits for any answer: slow successes break it, too."""
    found = judged(during(6.0, 12.5, 2.0), API_LOST, FAST_FAILING)
    slow = finding(found, "fails fast")
    assert (found.verdict, slow.verdict, slow.at) == (Verdict.BROKEN, Verdict.BROKEN, 0.0)
    assert slow.reason == (
        "48 of 48 requests took longer than 0.5 s to end (100%), 5% allowed; no request failed; "
        "the slowest took 2.00 s"
    )


def test_what_neither_fails_nor_is_slow_keeps_the_promise() -> None:
    """The reason has both figures even where the promise is kept."""
    found = finding(judged(lambda at: None, API_LOST, FAST_FAILING), "fails fast")
    assert found.verdict is Verdict.HELD
    assert (
        found.reason == "no request failed; 0 of 48 requests took longer than 0.5 s to end (0%), 5% allowed"
    )


def test_surviving_what_it_needs_is_worth_knowing() -> None:
    """A journey that keeps its full SLO without what it needs may not need it after all."""
    found = judged(impact=API_LOST)
    assert (found.verdict, finding(found, "survival").verdict) == (Verdict.HELD, Verdict.HELD)


def test_no_steady_state_no_verdict() -> None:
    """A journey outside its SLO before the injection is UNKNOWN, whatever the fault did."""
    found = judged(lambda at: "503" if 1 <= at < 3 or 8 <= at < 9 else None)
    steady = finding(found, "steady state")
    assert (found.verdict, steady.verdict) == (Verdict.UNKNOWN, Verdict.UNKNOWN)
    assert steady.reason == (
        "not in steady state before anything was injected: in the control window 16 of 48 requests failed "
        "(33.3%), 0.5% allowed, all in one burst"
    )
    assert [each.promise for each in found.findings] == ["steady state"]


def test_a_single_bad_request_decides_nothing() -> None:
    """One failure of 48 is 2.1% where 0.5% are allowed; chance does that in one window of five."""
    found = judged(lambda at: "503" if at == 8.0 else None)
    assert found.verdict is Verdict.HELD
    assert finding(found, "independence").reason.startswith(
        "from the landing to the lift 1 of 48 requests failed (2.08%), 0.5% allowed, 4 would break it"
    )


def test_a_stall_counts_request_by_request() -> None:
    """A stall of 1.75 s makes twelve requests slow; they are twelve users, not one event."""
    found = judged(lambda at: ok(at, 9.75 - at) if 8 <= at < 9.75 else None)
    broken = finding(found, "independence")
    assert (broken.verdict, broken.figures["p95_bad"], broken.figures["p95_bursts"]) == (
        Verdict.BROKEN,
        12,
        1,
    )


def test_between_chance_and_certainty_is_unknown() -> None:
    """Three failures of 48 are more than a single test explains, and fewer than four, which would be sure
    among all the promises of the experiment.
    """
    found = finding(judged(lambda at: "503" if at in (7.0, 9.0, 11.0) else None), "independence")
    assert (found.verdict, found.figures["availability_bad"]) == (Verdict.UNKNOWN, 3)
    assert found.reason == (
        "from the landing to the lift 3 of 48 requests failed (6.25%), 0.5% allowed, 4 would break it: "
        "too many to be chance, too few to be sure"
    )


def test_lifting_must_not_hurt_a_journey_that_the_fault_does_not_concern() -> None:
    """It fails for a second because of the lift; with nothing to recover from, it has no deadline."""
    found = judged(during(12.5, 13.5, "503"), MAIL_LOST)
    broken = finding(found, "independence")
    assert (broken.verdict, broken.at) == (Verdict.BROKEN, 6.0)
    assert broken.reason == "outside its SLO from 0.0 s after the lift to 1.0 s"
    assert finding(found, "recovery").verdict is Verdict.HELD


def test_what_may_have_been_hurt_by_the_lift_is_unknown() -> None:
    """Two failures in a row after the lift are UNKNOWN: too many to be fine, too few to be certain."""
    found = finding(judged(during(13.0, 13.25, "503"), MAIL_LOST), "independence")
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("after the lift 2 of 96 requests failed (2.08%), 0.5% allowed")
