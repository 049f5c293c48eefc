"""Stop conditions, on made-up samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.gameday.conditions import Condition, lookback, read
from chaoskit.record.history import Outcome, Sample
from chaoskit.record.samples import Columns
from chaoskit.system import Terms
from chaoskit.system.terms import Slo

NOW = 100.0
BUY = Terms(name="buy", rate=10, slo=Slo(), timeout=5.0)
LOOK = Terms(name="look", rate=10, slo=Slo(), timeout=5.0)


def sample(at: float, seconds: float = 0.05, *, ok: bool = True, journey: str = "buy") -> Sample:
    """One request."""
    return Sample(journey, at, at, at + seconds, Outcome.OK if ok else Outcome.FAILED)


def load(
    *, bad_from: float = NOW, seconds: float = 0.05, ok: bool = True, until: float = NOW
) -> list[Sample]:
    """Ten requests per second since 50. From ``bad_from`` on they have this latency and outcome. Requests
    that have not ended by now are not on record."""
    moments = [50 + index / 10 for index in range(int((until - 50) * 10))]
    made = [sample(at) if at < bad_from else sample(at, seconds, ok=ok) for at in moments]
    return [each for each in made if each.ended is not None and each.ended <= NOW]


def look(condition: Condition, samples: list[Sample], **more: float) -> tuple[bool, str]:
    """Whether the condition fires, and what it says."""
    reading = read(condition, [BUY], Columns.of(samples), begin=50.0, now=NOW, active_since=more.values())
    return reading.fires, reading.says


FAILS = Condition(measure="availability_below", bound=0.9)
SLOW = Condition(measure="p95_above", bound=2.0)


def test_a_journey_that_keeps_its_promise_stops_nothing() -> None:
    """Good requests fire no condition."""
    assert not look(FAILS, load())[0]
    assert not look(SLOW, load())[0]
    assert not look(Condition(measure="failures_per_s_above", bound=0), load())[0]


def test_failures_of_the_last_seconds_fire() -> None:
    """Half a second of failures in five reaches 90%; failures from before these five do not count."""
    assert look(FAILS, load(bad_from=99.0, ok=False)) == (True, "buy 80% of 50")
    assert not look(FAILS, load(bad_from=99.8, ok=False))[0]
    past = [each if not 90 <= each.intended < 94 else sample(each.intended, ok=False) for each in load()]
    assert not look(FAILS, past)[0]


def test_requests_that_hang_are_slow_before_they_end() -> None:
    """A journey that hangs is above its p95 as soon as its requests are older than the bound."""
    hangs = load(bad_from=97.0, seconds=60.0)
    assert max(each.intended for each in hangs) < 97.0
    assert look(SLOW, hangs)[0]
    assert not look(SLOW, load(bad_from=98.5, seconds=60.0))[0], "they are younger than the bound"


def test_requests_that_hang_have_failed_after_their_time_out() -> None:
    """A request in flight counts as failed once its user has given up."""
    assert look(FAILS, load(bad_from=92.0, seconds=60.0))[0]
    assert not look(FAILS, load(bad_from=96.0, seconds=60.0))[0]


def test_what_no_user_could_send_has_failed_at_once() -> None:
    """An arrival beyond the cap is a failure at its time."""
    never = [Sample("buy", 98 + n / 10, None, None, Outcome.NEVER_SENT) for n in range(20)]
    assert look(FAILS, [*load(until=98.0), *never])[0]


def test_one_request_decides_nothing() -> None:
    """Too few requests fire nothing, and neither does a single bad one among enough."""
    few = [sample(99 + n / 10, ok=False) for n in range(9)]
    slow = Terms(name="buy", rate=0.1, slo=Slo(), timeout=5.0)
    assert not read(FAILS, [slow], Columns.of(few), begin=50, now=NOW).fires
    one = [*[sample(99 + n / 20) for n in range(10)], sample(99.6, ok=False)]
    tight = Condition(measure="availability_below", bound=0.99)
    assert not read(tight, [slow], Columns.of(one), begin=50, now=NOW).fires
    assert read(tight, [slow], Columns.of([*one, one[-1]]), begin=50, now=NOW).fires


def test_the_worst_of_all_journeys_counts() -> None:
    """A star means each journey by itself, so that a busy one does not hide another."""
    samples = [*load(), *(sample(90 + n / 10, ok=False, journey="look") for n in range(100))]
    reading = read(FAILS, [BUY, LOOK], Columns.of(samples), begin=50.0, now=NOW)
    assert reading.fires
    assert reading.says.startswith("look")
    mine = Condition(measure="availability_below", bound=0.9, journey="buy")
    assert not read(mine, [BUY, LOOK], Columns.of(samples), begin=50.0, now=NOW).fires


def test_a_fault_that_lasts_too_long_fires() -> None:
    """``lasts`` measures the oldest active fault, whatever the journeys do."""
    lasts = Condition(measure="lasts", bound=20)
    assert not look(lasts, load())[0]
    assert not look(lasts, load(), one=85.0)[0]
    assert look(lasts, load(), one=85.0, two=79.0) == (True, "21 s")


@pytest.mark.parametrize("condition", [FAILS, SLOW])
def test_nothing_fires_before_there_is_a_load(condition: Condition) -> None:
    """Without a sample no condition fires, and none has a value."""
    assert not read(condition, [BUY], Columns(), begin=NOW, now=NOW).fires


CONDITIONS = st.one_of(
    st.builds(
        Condition,
        measure=st.sampled_from(["p50_above", "p95_above", "p99_above"]),
        bound=st.floats(0.05, 4),
        over=st.floats(0.5, 20),
    ),
    st.builds(
        Condition, measure=st.just("availability_below"), bound=st.floats(0.01, 1), over=st.floats(0.5, 20)
    ),
    st.builds(
        Condition, measure=st.just("failures_per_s_above"), bound=st.floats(0, 20), over=st.floats(0.5, 20)
    ),
)
REQUESTS = st.lists(st.builds(sample, st.floats(60, NOW), st.floats(0, 5), ok=st.booleans()), max_size=60)


@given(CONDITIONS, REQUESTS)
def test_good_requests_in_time_never_fire(condition: Condition, requests: list[Sample]) -> None:
    """If every request that was due succeeded at once, no condition fires."""
    bound = condition.bound if condition.measure.startswith("p") else 5.0
    quick = [sample(each.intended, min(0.04, bound)) for each in [*load(), *requests]]
    assert not look(condition, [each for each in quick if each.ended is not None and each.ended <= NOW])[0]


@given(CONDITIONS, REQUESTS)
def test_a_condition_needs_no_more_than_it_asks_for(condition: Condition, requests: list[Sample]) -> None:
    """Samples from before the look-back change no reading, so the guard may leave them out."""
    everything = Columns.of([*load(), *requests])
    recent = everything.since(NOW - lookback([condition], [BUY]))
    assert read(condition, [BUY], everything, begin=50, now=NOW) == read(
        condition, [BUY], recent, begin=50, now=NOW
    )


BAD = st.lists(
    st.builds(sample, st.floats(86, 94), st.floats(1.5, 5), ok=st.just(False)), min_size=30, max_size=40
)
FIRING = st.builds(
    Condition,
    measure=st.sampled_from(["p95_above", "p99_above"]),
    bound=st.floats(0.05, 1),
    over=st.floats(15, 20),
) | st.builds(
    Condition,
    measure=st.sampled_from(["availability_below", "failures_per_s_above"]),
    bound=st.floats(0.9, 1),
    over=st.floats(15, 20),
)
"""Conditions that the requests of ``BAD`` fire: more than a tenth is bad, and more than one per second."""


@given(FIRING, BAD, st.data())
def test_one_more_failure_never_calms(condition: Condition, bad: list[Sample], data: st.DataObject) -> None:
    """A condition that only just fires also fires if one of the requests fails slowly instead."""
    few = next(number for number in range(len(bad) + 1) if look(condition, [*load(), *bad[:number]])[0])
    made = [*bad[:few], *(each for each in load() if 86.0 <= each.intended <= 94.0)]
    others = [each for each in load() if not 86.0 <= each.intended <= 94.0]
    which = data.draw(st.integers(0, few - 1) | st.integers(few, len(made) - 1))
    made[which] = sample(made[which].intended, 5.0, ok=False)
    assert look(condition, [*made, *others])[0]
