"""What a source counts, and the quantiles of latencies."""

from __future__ import annotations

import json
import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.flood import Report
from chaoskit.flood.accounts import LATENCY_STEPS_PER_S, Accounts, quantiles

LATENCIES = st.lists(st.floats(0.0001, 2.0), min_size=1, max_size=60)


@given(LATENCIES)
def test_quantiles_are_those_of_the_samples(samples: list[float]) -> None:
    """Each quantile is the sample at its share, rounded up to 0.1 ms; the last one is the largest sample."""
    accounts = Accounts()
    for each in samples:
        accounts.answer(200, each)
    found = accounts.report(seconds=1.0).latency
    ordered = sorted(math.ceil(each * LATENCY_STEPS_PER_S) / LATENCY_STEPS_PER_S for each in samples)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
        assert found[name] == ordered[math.ceil(share * len(ordered)) - 1]


def test_without_answers_there_are_no_quantiles() -> None:
    """Without a sample there is no figure, not a zero."""
    assert quantiles(Counter()) == {}


@given(st.lists(st.tuples(st.sampled_from([200, 429, 503]), st.floats(0.0001, 2.0)), max_size=40))
def test_the_total_is_the_sum_of_the_seconds(answers: list[tuple[int, float]]) -> None:
    """Counts taken second by second add up to the total, and each second starts at zero."""
    second, total, whole = Accounts(), Accounts(), Accounts()
    for status, latency in answers:
        for each in (second, whole):
            each.sent += 1
            each.answer(status, latency)
        if status == 503:
            total.take(second)
            assert second.report(seconds=1.0) == Report(seconds=1.0)
    total.take(second)
    assert total.report(seconds=2.0) == whole.report(seconds=2.0)


def test_a_report_survives_json() -> None:
    """A report read back from JSON is the same; its statuses are numbers again."""
    report = Report(seconds=1.0, sent=3, answered={429: 3}, latency={"p50": 0.001}, cpu_seconds=0.5)
    assert Report.from_json(json.loads(json.dumps(report.as_json()))) == report
    assert report.answers == 3
