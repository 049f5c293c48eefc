"""Every promise is a share of good requests."""

from __future__ import annotations

import pytest

from chaoskit.judge import JudgeSettings, Verdict
from chaoskit.judge.slo import Indicator, decide, indicators, measure
from chaoskit.judge.trace import Trace, traces
from chaoskit.record.history import Sample
from chaoskit.system import Slo
from tests.judge.histories import BROWSE, failed, never_sent, ok

SETTINGS = JudgeSettings(min_samples=10)


def trace(*samples: Sample) -> Trace:
    """These requests."""
    return traces([BROWSE], samples, 100.0)["browse"]


def test_the_promises_of_an_slo() -> None:
    """Availability and each quantile are shares that may be bad, without rounding dust."""
    found = indicators(Slo(availability=0.995, p50=0.1, p99=1.0))
    assert [(each.name, each.budget, each.bound) for each in found] == [
        ("availability", 0.005, None),
        ("p50", 0.5, 0.1),
        ("p99", 0.01, 1.0),
    ]


def test_fast_failures_are_left_out_of_latency_and_slow_ones_count() -> None:
    """A failure after the bound kept its user waiting; one before it must not flatter the quantile."""
    requests = trace(ok(0), ok(1, 0.5), failed(2, 0.01), failed(3, 5.0), never_sent(4))
    share = measure(requests, Indicator("p95", 0.05, 0.25), SETTINGS)
    assert (share.samples, share.bad) == (4, 3)
    share = measure(requests, Indicator("availability", 0.01), SETTINGS)
    assert (share.samples, share.bad) == (5, 3)


def test_a_latency_of_just_the_bound_is_within_it() -> None:
    """Rounding in the clock or in the journal does not make a request slow."""
    at_bound = [ok(seventh / 7, 0.3) for seventh in range(100)]
    assert max(each.latency or 0.0 for each in at_bound) > 0.3
    assert measure(trace(*at_bound), Indicator("p95", 0.05, 0.3), SETTINGS).bad == 0


@pytest.mark.parametrize(
    ("samples", "bad", "budget", "verdict"),
    [
        (80, 0, 0.005, Verdict.HELD),
        (80, 1, 0.005, Verdict.HELD),  # one decides nothing
        (80, 2, 0.005, Verdict.HELD),  # chance does this in 6 of 100 windows
        (80, 3, 0.005, Verdict.BROKEN),  # and this in 8 of 1,000
        (9, 0, 0.005, Verdict.UNKNOWN),  # too few
        (10, 1, 0.005, Verdict.UNKNOWN),  # and so are nine good ones of ten
        (9, 9, 0.005, Verdict.BROKEN),  # few, but there is no doubt
        (0, 0, 0.005, Verdict.UNKNOWN),
        (80, 1, 0.0, Verdict.UNKNOWN),  # contradicts the promise, but is a single one
        (80, 2, 0.0, Verdict.BROKEN),
        (12, 0, 0.7, Verdict.UNKNOWN),  # not even twelve failures would be sure
        (13, 0, 0.7, Verdict.HELD),
    ],
)
def test_deciding(samples: int, bad: int, budget: float, verdict: Verdict) -> None:
    """BROKEN needs certainty, HELD needs enough requests to show a break, and the rest is UNKNOWN."""
    assert decide(samples, bad, budget, SETTINGS) is verdict


def test_a_share_in_words() -> None:
    """The clause has the counts, the share, what is allowed, and why it holds nevertheless."""
    quiet = [ok(n) for n in range(78)]
    share = measure(trace(*quiet, failed(78), failed(79)), Indicator("availability", 0.005), SETTINGS)
    assert share.says() == "2 of 80 requests failed (2.5%), 0.5% allowed, 3 would break it"
    worse = measure(
        trace(*quiet, *(failed(78 + n) for n in range(4))), Indicator("p95", 0.05, 0.001), SETTINGS
    )
    assert worse.says() == "82 of 82 requests took longer than 0.001 s (100%), 5% allowed, all in one burst"


def test_the_figures_of_a_broken_share() -> None:
    """The figures of a broken share have its lower confidence limit and the number of bursts."""
    requests = trace(*(failed(n) if n in (3, 4, 10, 11, 12) else ok(n) for n in range(40)))
    figures = measure(requests, Indicator("availability", 0.005), SETTINGS).figures()
    assert figures["availability_bursts"] == 2
    assert figures["availability_bad_share"] == 0.125
    assert 0.02 < float(figures["availability_bad_share_surely"] or 0) < 0.125
