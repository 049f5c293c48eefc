"""Samples as columns."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge.trace import traces
from chaoskit.record.history import Sample
from tests.judge.histories import BROWSE, failed, never_sent, ok, requests, unfinished


def test_latency_counts_from_the_intended_start() -> None:
    """A request that was sent late has kept its user waiting all the same."""
    found = traces([BROWSE], [ok(5.0, 0.75, lag=0.5)], 10.0)["browse"]
    assert (list(found.latency), list(found.lag)) == ([0.75], [0.5])


def test_what_never_was_sent_failed_and_has_no_end() -> None:
    """NEVER_SENT is a failure at its intended time, of infinite latency."""
    found = traces([BROWSE], [never_sent(5.0)], 10.0)["browse"]
    assert (list(found.at), list(found.failed), list(found.latency)) == ([5.0], [1], [math.inf])


def test_unfinished_requests_count_once_they_are_older_than_the_timeout() -> None:
    """A user has given up after the time-out of 10 s; of a younger request nothing is known."""
    found = traces([BROWSE], [unfinished(5.0), unfinished(15.0)], 20.0)["browse"]
    assert (list(found.at), list(found.failed), list(found.lag)) == ([5.0], [1], [0.0])


def test_samples_of_unknown_journeys_are_left_out() -> None:
    """Only journeys with terms are judged."""
    assert len(traces([BROWSE], [ok(1.0, journey="other")], 10.0)["browse"]) == 0


@given(st.permutations([*requests(end=2.0), *requests(lambda _: "x", end=2.0), never_sent(1.0)]))
def test_the_order_of_the_record_plays_no_part(samples: list[Sample]) -> None:
    """Columns are ordered by intended time, whatever ended first, also where two times are equal."""
    straight = [*requests(end=2.0), *requests(lambda _: "x", end=2.0), never_sent(1.0)]
    found, other = (traces([BROWSE], each, 10.0)["browse"] for each in (samples, straight))
    texts = [[each.errors[number] for number in each.error] for each in (found, other)]
    assert texts[0] == texts[1]
    assert replace(found, error=other.error, errors=other.errors) == other


def test_splitting_at_a_moment() -> None:
    """The split separates requests in flight from those that were over; an unsent one was never in flight."""
    samples = [ok(1.0, 0.5), failed(2.0, 5.0), never_sent(2.5), ok(3.0, 0.0)]
    over, flying = traces([BROWSE], samples, 10.0)["browse"].split(3.0)
    assert (list(over.at), list(flying.at)) == ([1.0, 2.5, 3.0], [2.0])


def test_allowing_for_a_late_engine() -> None:
    """Latencies shrink by the lag, failures stay failures, what was never sent is left out."""
    samples = [ok(1.0, 0.5, lag=0.25), failed(2.0), never_sent(3.0), ok(4.0, 0.0, lag=12.0)]
    found = traces([BROWSE], samples, 10.0)["browse"].without_lag(0.25, 10.0)
    assert (list(found.at), list(found.latency), list(found.failed)) == (
        [1.0, 2.0],
        [0.25, 0.0],
        [0, 1],
    )
