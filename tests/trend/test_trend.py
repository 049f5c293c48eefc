"""The nights of a history, and the texts of the trend."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chaoskit.errors import UsageError
from chaoskit.judge import Verdict
from chaoskit.trend import render, to_record, trend_of
from chaoskit.trend.entry import Entry
from chaoskit.trend.trend import nights_of
from tests.trend.nights import entry

SIGNS = {"H": Verdict.HELD, "B": Verdict.BROKEN, "?": Verdict.UNKNOWN}


def test_a_flaky_experiment_is_named_with_its_count() -> None:
    """The line has the verdicts in order, and on how many nights the experiment did not hold."""
    signs = "HBHHBH"
    entries = [entry(number, verdict=SIGNS[sign]) for number, sign in enumerate(signs)]
    trend = trend_of(entries)
    assert (trend.lines[0].not_held, trend.lines[0].nights) == (2, 6)
    assert "HBHHBH  cache  CacheLoss('cache')  flaky: not held on 2 of 6 nights" in render(trend)
    assert trend.regressions == ()


def test_a_first_broken_verdict_is_a_regression_with_its_reason() -> None:
    """BROKEN after the experiment held on every earlier night is flagged; UNKNOWN is not."""
    entries = [entry(number) for number in range(3)]
    (found,) = trend_of([*entries, entry(3, verdict=Verdict.BROKEN)]).regressions
    assert (found.experiment, found.what) == ("cache", "verdict")
    assert "held on all 3 earlier nights: browse: degraded: 20 of 160" in found.evidence
    assert trend_of([*entries, entry(3, verdict=Verdict.UNKNOWN, recovery=9.0)]).regressions == ()
    assert trend_of([entry(0), entry(1, verdict=Verdict.BROKEN)]).regressions == ()


def test_only_nights_in_which_the_journey_held_are_compared() -> None:
    """A night that was broken or unknown does not count as usual."""
    bad = [entry(number, verdict=SIGNS[sign], recovery=9.0) for number, sign in enumerate("B?B")]
    good = [entry(number, recovery=1.0) for number in (3, 4)]
    (found,) = trend_of([*bad, *good, entry(5, recovery=8.0)]).regressions
    assert found.what == "recovery"
    assert "before: 1.0 s (2 nights)" in found.evidence


def test_another_fault_or_promise_is_not_compared() -> None:
    """A figure is not compared with one under another fault or against another bound."""
    fault = [entry(number, fault="CacheLoss('cache', how='kill')") for number in range(5)]
    assert trend_of([*fault, entry(5, recovery=9.0)]).regressions == ()
    assert "nothing to compare" in render(trend_of([*fault, entry(5, recovery=9.0)]))
    promise = [entry(number, bound=5.0) for number in range(5)]
    assert trend_of([*promise, entry(5, bad=40)]).regressions == ()
    assert trend_of([*promise, entry(5, bad=40, bound=5.0)]).regressions[0].what == "p95"


def test_a_rise_too_small_to_matter_is_left_alone() -> None:
    """A significant rise is not flagged below a tenth of the limit, or half of the budget."""
    entries = [entry(number, recovery=0.0, p95=0.001) for number in range(20)]
    trend = trend_of([*entries, entry(20, recovery=0.9, p95=0.029, bad=3)])
    assert trend.regressions == ()
    assert min(each.chance for each in trend.comparisons if each.chance is not None) < 0.01


def test_a_busy_machine_is_not_a_regression() -> None:
    """If everything is slower, before the fault too, the p95 under the fault is not flagged."""
    entries = [entry(number, p95=0.05, control=0.02) for number in range(6)]
    assert trend_of([*entries, entry(6, p95=0.25, control=0.10)]).regressions == ()
    (found,) = trend_of([*entries, entry(6, p95=0.25, control=0.02)]).regressions
    assert found.what == "latency"
    assert (
        "p95 of 250 ms under the fault (20 ms in the control window); before: 50 ms (6 nights)"
        in found.evidence
    )


def test_nights_are_sessions_in_the_order_of_time() -> None:
    """Entries may come in any order, --last takes the newest nights, and a dot marks what did not run."""
    entries = [entry(2), entry(0), entry(1, experiment="pool"), entry(1)]
    assert [night.run for night in nights_of(entries)] == ["night-0", "night-1", "night-2"]
    assert [night.run for night in nights_of(entries, 2)] == ["night-1", "night-2"]
    assert "·H·  pool" in render(trend_of(entries))


def test_an_empty_history_is_an_error() -> None:
    """The error says that the history is empty."""
    with pytest.raises(UsageError, match="the history is empty"):
        trend_of([])


def test_the_record_has_everything_that_the_text_has() -> None:
    """The JSON has the nights, the verdicts, each comparison and each regression."""
    entries = [entry(number) for number in range(3)]
    record = json.loads(json.dumps(to_record(trend_of([*entries, entry(3, recovery=9.0, commit="abc")]))))
    assert record["nights"][-1]["commit"] == "abc"
    assert record["experiments"][0]["verdicts"] == ["held"] * 4
    assert {each["what"] for each in record["comparisons"]} == {"recovery", "availability", "p95", "latency"}
    assert [each["what"] for each in record["regressions"]] == ["recovery"]


def test_a_failover_that_takes_longer_is_a_regression() -> None:
    """A journey that is granted a time to fail over is compared by it, in a column of its own."""

    def night(number: int, took: float) -> Entry:
        found = entry(number)
        one = replace(found.journeys[0], failover=took, failover_resolution=0.05, within=10.0)
        return replace(found, journeys=(one,))

    trend = trend_of([*(night(number, 1.0 + number / 50) for number in range(8)), night(8, 8.0)])
    assert [each.what for each in trend.regressions] == ["fail-over"]
    assert "failed over in 8.0 s ± 0.05" in trend.regressions[0].evidence
    assert "failed over in" in render(trend)
    assert "failed over in" not in render(trend_of([entry(number) for number in range(3)]))
