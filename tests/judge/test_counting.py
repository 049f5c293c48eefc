"""Counting in whole columns gives what counting one request after another would."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate

from hypothesis import example, given
from hypothesis import strategies as st

from chaoskit.judge.slo import Indicator
from chaoskit.judge.summary import bad_flags
from chaoskit.judge.trace import CLOCK_RESOLUTION, Trace, either, negated, running
from chaoskit.record.samples import NEVER
from chaoskit.system import Slo

Row = tuple[float, float, float, bool]
QUARTERS = st.integers(0, 200).map(lambda number: number / 4)
ROW = st.tuples(QUARTERS, QUARTERS | st.just(NEVER), st.just(0.0) | QUARTERS | st.just(NEVER), st.booleans())
ROWS = st.lists(ROW, max_size=40).map(sorted)
"""(at, latency, lag, failed), ascending by the first; quarters, so that moments coincide often."""
FLAGS = st.lists(st.booleans(), max_size=300).map(bytes)


def trace(rows: Sequence[Row]) -> Trace:
    """A trace of them, each with an error of its own."""
    at, latency, lag = (array("d", [float(row[n]) for row in rows]) for n in range(3))
    numbers = array("I", range(len(rows)))
    return Trace(at, latency, lag, bytes(row[3] for row in rows), numbers, [str(n) for n in numbers])


@given(ROWS, QUARTERS)
@example([(1.0, NEVER, NEVER, True), (2.0, 0.0, 0.0, False)], 3.0)
@example([(1.0, 2.25, 0.0, False), (2.0, 0.0, 0.0, False), (2.5, 1.0, 0.0, True)], 3.0)
def test_splitting_is_what_each_request_says_by_itself(rows: list[Row], moment: float) -> None:
    """Requests older than the longest latency are skipped, and the split is still complete."""
    whole = trace(rows)
    flying = [
        lag < NEVER and at < moment < at + latency
        for at, latency, lag in zip(whole.at, whole.latency, whole.lag, strict=True)
    ]
    over, flown = whole.split(moment)
    assert list(flown.error) == [row for row, each in enumerate(flying) if each]
    assert over == whole._where([not each for each in flying])
    assert flown == whole._where(flying)


@given(ROWS, st.none() | QUARTERS)
def test_who_counts_and_who_is_bad(rows: list[Row], bound: float | None) -> None:
    """For latency a request counts that succeeded, or failed too late; for availability each does."""
    bad, counted = Indicator("p95", 0.05, bound).flags(trace(rows))
    if bound is None:
        assert (list(bad), list(counted)) == ([row[3] for row in rows], [True] * len(rows))
    else:
        slow = [row[1] > bound + CLOCK_RESOLUTION for row in rows]
        assert list(bad) == slow
        assert list(counted) == [late or not row[3] for late, row in zip(slow, rows, strict=True)]


@given(ROWS, st.none() | QUARTERS.filter(bool))
def test_what_a_user_complains_of(rows: list[Row], bound: float | None) -> None:
    """A failure, or an answer later than the tightest bound that most requests must keep."""
    found = bad_flags(trace(rows), Slo(p95=bound) if bound else Slo())
    assert list(found) == [
        row[3] or (bound is not None and row[1] > bound + CLOCK_RESOLUTION) for row in rows
    ]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=300))
def test_flags_are_joined_and_negated_row_by_row(pairs: list[tuple[bool, bool]]) -> None:
    """Column by column gives the same as row by row, for any flags."""
    left, right = bytes(one for one, _ in pairs), bytes(other for _, other in pairs)
    assert list(either(left, right)) == [one or other for one, other in pairs]
    assert list(negated(left)) == [not one for one, _ in pairs]


@given(FLAGS | st.integers(0, 300).map(lambda length: b"\1" * length))
def test_the_running_count(flags: bytes) -> None:
    """Before each row, and at the end."""
    assert list(running(flags)) == [0, *accumulate(flags)]
