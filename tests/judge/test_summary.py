"""The figures of a phase."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge import Summary
from chaoskit.judge.summary import quantile, summarize
from chaoskit.judge.trace import traces
from chaoskit.record.history import Sample
from tests.judge.histories import BROWSE, SLO, failed, never_sent, ok, requests


def of(*samples: Sample, start: float = 0.0) -> Summary:
    """The figures of these requests, in short windows of a second."""
    return summarize(traces([BROWSE], samples, 1000.0)["browse"], SLO, start, 1.0)


@given(st.lists(st.floats(0, 100), min_size=1), st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.floats(0, 100))
def test_a_quantile_is_within_a_bound_when_few_enough_are_above(
    values: list[float], share: float, bound: float
) -> None:
    """The p95 that is shown and the share that is judged never contradict each other."""
    found = quantile(sorted(values), share)
    allowed = math.floor(round((1 - share) * len(values), 9))
    assert found is not None
    assert (found <= bound) == (sum(value > bound for value in values) <= allowed)


def test_quantiles_by_hand() -> None:
    """Nearest rank on 1 to 100: the p95 is the 95th."""
    values = [float(n) for n in range(1, 101)]
    assert [quantile(values, q) for q in (0.5, 0.9, 0.95, 0.99)] == [50, 90, 95, 99]
    assert quantile([], 0.5) is None


def test_nothing_gives_nothing() -> None:
    """A phase without requests has no quantiles."""
    assert of() == Summary(samples=0, failed=0, failed_share=0.0)


def test_failures_have_no_part_in_latencies() -> None:
    """Quantiles are of requests that succeeded; the failed share has the others."""
    found = of(ok(0, 0.5), ok(1, 0.25), failed(2, 9.0), never_sent(3))
    assert (found.samples, found.failed, found.failed_share) == (4, 2, 0.5)
    assert (found.p50, found.slowest) == (0.25, 0.5)


def test_the_worst_window_shows_a_burst_that_quantiles_hide() -> None:
    """Half a second of stall in a minute is 0.8% of all requests, and half of those in its second."""
    found = of(*requests(lambda at: 2.0 if 30 <= at < 30.5 else None, end=60.0))
    assert found.p99 is not None
    assert found.p99 < 0.1
    assert (found.worst_share, found.worst_at) == (0.5, 30.0)
    assert found.longest_burst == 0.375


def test_a_bad_request_alone_at_the_end_is_no_worst_window() -> None:
    """A window that holds one request is not compared with windows that hold eight."""
    found = of(*requests(lambda at: "x" if at == 9.875 else None, end=10.0))
    assert (found.worst_share, found.longest_burst) == (0.0, 0.0)


def test_the_lag_of_the_engine() -> None:
    """The p99 of the lag leaves out what never was sent."""
    found = of(*(ok(n, lag=0.5) for n in range(10)), never_sent(11))
    assert found.lag_p99 == pytest.approx(0.5)


def test_a_latency_that_is_no_number_spoils_no_figure() -> None:
    """A record that contradicts itself (a success that never ended, an end that is not a number) is left out
    of the quantiles, which stay figures that strict JSON can write.
    """
    endless = [replace(ok(0.0), ended=None) for _ in range(11)]
    found = of(*endless, replace(ok(0.0), ended=math.nan), ok(0.5, 0.25))
    assert (found.p50, found.p95, found.slowest) == (0.25, 0.25, 0.25)
