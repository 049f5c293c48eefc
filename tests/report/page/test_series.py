"""The requests of a journey, counted in short intervals of time."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge.trace import Trace
from chaoskit.record.samples import NEVER
from chaoskit.report.page.series import LEVEL_LIMITS, bins, levels, rows, width_for

ROW = st.tuples(st.integers(0, 60_000_000), st.floats(0, 5) | st.just(NEVER), st.booleans())
TRACES = st.lists(ROW, max_size=60).map(
    lambda found: trace([(at / 1e6, latency, failed) for at, latency, failed in sorted(found)])
)


def trace(found: list[tuple[float, float, bool]]) -> Trace:
    """A trace of (at, latency, failed)."""
    return Trace(
        array("d", [each[0] for each in found]),
        array("d", [each[1] for each in found]),
        array("d", [0.0] * len(found)),
        bytes(each[2] for each in found),
        array("I", [0] * len(found)),
        ("",),
    )


@given(TRACES, st.floats(0, 60), st.sampled_from([0.1, 1.0, 5.0]))
def test_every_request_is_in_one_bin(found: Trace, edge: float, width: float) -> None:
    """The bins neither lose nor double a request or a failure, and they cover all of the observed time."""
    made = bins(found, edge, 0.0, 60.0, width)
    assert sum(made.requests) == len(found)
    assert sum(made.failed) == sum(found.failed)
    assert sum(made.seconds) == pytest.approx(60.0)
    assert all(0 <= seconds <= width + 1e-6 for seconds in made.seconds)


@given(TRACES, st.floats(0, 60))
def test_the_quantiles_are_those_of_the_bins_own_successes(found: Trace, edge: float) -> None:
    """A quantile is the nearest rank of the successful requests of its bin; without one it is None."""
    made = bins(found, edge, 0.0, 60.0, 2.0)
    for number in range(1, len(made) - 1):
        left = edge + made.start + number * made.width
        good = sorted(
            latency
            for at, latency, failed in zip(found.at, found.latency, found.failed, strict=True)
            if left - 5e-7 <= at < left + made.width - 5e-7 and not failed and latency < NEVER
        )
        for column, share in ((made.p50, 0.5), (made.p95, 0.95), (made.p99, 0.99)):
            wanted = good[math.ceil(round(share * len(good), 9)) - 1] if good else None
            assert column[number] == wanted


def test_no_bin_mixes_what_was_before_and_after_the_edge() -> None:
    """The injection lies between two bins at every level, so no bin has requests from both sides of it."""
    every = trace([(number / 50, 0.01, number / 50 >= 7.3) for number in range(1000)])
    for made in (*levels(every, 7.3, 0.0, 20.0), rows(every, 7.3, 0.0, 20.0)):
        assert sum(made.requests) == 1000
        for number in range(len(made)):
            failed, requests = made.failed[number], made.requests[number]
            assert failed == (requests if made.start + number * made.width >= -1e-9 else 0)


def test_arrivals_on_an_edge_are_counted_evenly() -> None:
    """Rounding does not move an arrival on an edge to the wrong side."""
    every = trace([(round(number / 20, 6), 0.01, False) for number in range(460)])
    made = bins(every, 9.0, 0.0, 23.0, 0.2)
    assert set(made.requests) == {4}


def test_a_request_at_the_very_end_is_in_the_last_bin() -> None:
    """A request at the last observed moment is counted, although no bin follows."""
    made = bins(trace([(0.0, 0.01, False), (4.0, 0.01, True)]), 0.0, 0.0, 4.0, 1.0)
    assert made.requests == (1, 0, 0, 1)
    assert made.failed == (0, 0, 0, 1)


@pytest.mark.parametrize("rate", [0.25, 5, 50, 2500])
def test_levels_go_from_the_whole_to_the_close_and_are_bounded(rate: float) -> None:
    """Each level has narrower bins than the one before, none has more bins than a chart can show, and even
    a slow journey has several bins.
    """
    every = trace([(number / rate, 0.01, False) for number in range(int(rate * 40))])
    made = levels(every, 17.0, 0.0, 40.0)
    assert made
    assert all(wide.width > narrow.width for wide, narrow in pairwise(made))
    for each, (most, _) in zip(made, LEVEL_LIMITS, strict=False):
        assert 8 <= len(each) <= most + 2
    assert len(rows(every, 17.0, 0.0, 40.0)) <= 26


def test_a_long_record_has_wide_bins() -> None:
    """A record of a month has no more bins than one of a minute."""
    assert width_for(30 * 86400.0, 120, 0.0) == 21600.0


def test_an_experiment_without_requests_has_one_empty_bin() -> None:
    """An experiment that ended before its first request is not an error."""
    (made, *_) = levels(trace([]), 0.0, 0.0, 0.0)
    assert made.requests == (0,)
    assert made.p50 == (None,)
