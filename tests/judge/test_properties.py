"""The laws that hold for every history."""

from __future__ import annotations

import json
import random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chaoskit.judge import Judgement, JudgeSettings, Verdict, judge
from chaoskit.record.history import Access, Acknowledgement, Check, History, Mark, Outcome, Sample
from chaoskit.system import Impact, Slo, Terms
from tests.judge.histories import (
    API_LOST,
    BROWSE,
    CACHE_LOST,
    COMPONENTS,
    FAST,
    MAIL_LOST,
    PHASES,
    RATE,
    SETTINGS,
    SLOW,
    failed,
    marks,
    never_sent,
    ok,
    requests,
)

EXAMPLES = settings().max_examples  # of the profile

COUNT = int(24.5 * RATE)
FATES = ("ok", "slow", "failed", "failed slowly", "never sent")
WORSE = {
    "ok": ("slow", "failed", "failed slowly", "never sent"),
    "slow": ("failed slowly", "never sent"),
    "failed": ("failed slowly", "never sent"),
    "failed slowly": ("never sent",),
}
"""The outcomes that are worse for a user. A failure at once is not worse than a long wait."""


def sample(index: int, fate: str, shift: float = 0.0) -> Sample:
    """The request of that number with that fate."""
    at = index / RATE + shift
    if fate == "ok":
        return ok(at, FAST)
    if fate == "slow":
        return ok(at, SLOW)
    if fate == "never sent":
        return never_sent(at)
    return failed(at, SLOW if fate == "failed slowly" else FAST)


def record(fates: list[str], shift: float = 0.0) -> History:
    """A whole experiment."""
    found = History()
    found.add(*(Mark(mark.name, mark.at + shift) for mark in marks()))
    found.add(*(sample(index, fate, shift) for index, fate in enumerate(fates)))
    return found


def verdict(fates: list[str], impact: Impact = MAIL_LOST) -> Verdict:
    """The verdict on it."""
    return judge([BROWSE], COMPONENTS, impact, record(fates), SETTINGS).verdict


@st.composite
def mostly_good(draw: st.DrawFn, least: int = 0) -> list[str]:
    """Good requests with some bursts and some single bad ones."""
    fates = ["ok"] * COUNT
    for _ in range(draw(st.integers(least, 3))):
        begin, length = draw(st.integers(0, COUNT - 1)), draw(st.integers(1, 24))
        fates[begin : begin + length] = [draw(st.sampled_from(FATES))] * len(fates[begin : begin + length])
    for index in draw(st.lists(st.integers(0, COUNT - 1), max_size=6)):
        fates[index] = draw(st.sampled_from(FATES))
    return fates


impacts = st.sampled_from([MAIL_LOST, CACHE_LOST, API_LOST])


@given(mostly_good(least=1), impacts, st.data())
@settings(max_examples=3 * EXAMPLES)
def test_worse_requests_never_mend_a_broken_promise(
    fates: list[str], impact: Impact, data: st.DataObject
) -> None:
    """However requests get worse, BROKEN never turns into HELD."""
    before = verdict(fates, impact)
    assume(before is Verdict.BROKEN)
    for _ in range(data.draw(st.integers(1, 5))):
        index = data.draw(st.integers(0, COUNT - 1))
        fates[index] = data.draw(st.sampled_from(WORSE.get(fates[index], (fates[index],))))
    assert verdict(fates, impact) is not Verdict.HELD


@given(mostly_good(), st.lists(st.integers(52, 99), min_size=1, max_size=8), st.sampled_from(FATES[2:]))
@settings(max_examples=2 * EXAMPLES)
def test_further_failures_under_a_fault_never_improve_an_unaffected_journey(
    fates: list[str], where: list[int], fate: str
) -> None:
    """Requests that fail on top of those on record make no verdict better."""
    order = [Verdict.BROKEN, Verdict.UNKNOWN, Verdict.HELD]
    more = record(fates)
    more.add(*(sample(index, fate) for index in where))
    after = judge([BROWSE], COMPONENTS, MAIL_LOST, more, SETTINGS).verdict
    assert order.index(after) <= order.index(verdict(fates))


@given(mostly_good(), impacts, st.randoms(use_true_random=False))
def test_the_order_of_the_record_plays_no_part(
    fates: list[str], impact: Impact, chance: random.Random
) -> None:
    """Samples and marks may come in any order."""
    straight = record(fates)
    samples, moments = list(straight.samples), list(straight.marks)
    chance.shuffle(samples)
    chance.shuffle(moments)
    shuffled = History()
    shuffled.add(*samples, *moments)
    assert judge([BROWSE], COMPONENTS, impact, shuffled, SETTINGS) == judge(
        [BROWSE], COMPONENTS, impact, straight, SETTINGS
    )


@given(mostly_good(), impacts, st.integers(0, 2**20))
def test_the_time_of_day_plays_no_part(fates: list[str], impact: Impact, shift: int) -> None:
    """The same experiment at another reading of the clock has the same judgement."""
    there = judge([BROWSE], COMPONENTS, impact, record(fates, shift), SETTINGS)
    assert there == judge([BROWSE], COMPONENTS, impact, record(fates), SETTINGS)


@given(st.floats(10, 60), st.floats(0, 0.24), impacts, st.floats(0.5, 1.0))
@settings(max_examples=EXAMPLES // 2)
def test_a_perfect_history_is_held(rate: float, latency: float, impact: Impact, availability: float) -> None:
    """Where nothing ever went wrong, and enough was seen, every promise holds."""
    terms = Terms(
        name="browse",
        rate=rate,
        slo=Slo(availability=availability, p50=0.25, p99=0.25, recovery=1.0, fails_within=0.25),
        needs=("api",),
        uses=("cache",),
    )
    found = History()
    found.add(*marks(), *(ok(index / rate, latency) for index in range(int(24.5 * rate))))
    judgement = judge([terms], COMPONENTS, impact, found, SETTINGS)
    assert judgement.verdict is Verdict.HELD
    assert judgement.blast_radius == ()


@given(st.sets(st.sampled_from(list(PHASES))), st.integers(0, 9), impacts)
def test_too_few_samples_are_never_held(without: set[str], few: int, impact: Impact) -> None:
    """Nine good requests a phase prove nothing, whatever marks there are."""
    found = History()
    found.add(*marks(without=tuple(without)))
    for start in (0.0, 6.5, 12.5):
        found.add(*(ok(start + index / 2) for index in range(few)))
    assert judge([BROWSE], COMPONENTS, impact, found, SETTINGS).verdict is not Verdict.HELD


moments = st.floats(-10, 100) | st.floats()
anything = st.one_of(
    st.builds(
        Sample,
        st.sampled_from(["browse", "buy", "?"]),
        moments,
        st.none() | moments,
        st.none() | moments,
        st.sampled_from(Outcome),
        st.text(max_size=3),
    ),
    st.builds(Mark, st.sampled_from([*PHASES, "lapsed", "harness failure"]), moments),
    st.builds(Acknowledgement, st.just("buy"), st.just("order"), st.sampled_from("123"), moments),
    st.builds(Check, st.just("order"), st.sampled_from("123"), st.none() | st.booleans()),
    st.builds(
        Access,
        st.sampled_from(["browse", "buy"]),
        st.integers(0, 2),
        st.just("order"),
        st.sampled_from("12"),
        st.booleans(),
        st.none() | st.integers(),
        moments,
    ),
)
promises = st.builds(
    Slo,
    availability=st.floats(0.1, 1.0),
    p50=st.none() | st.floats(0.01, 10),
    p95=st.none() | st.floats(0.01, 10),
    recovery=st.floats(0.1, 100),
    fails_within=st.none() | st.floats(0.01, 10),
)
names = st.lists(st.sampled_from(["api", "cache", "mail", "db", "db-1", "?"]), max_size=2).map(tuple)
journeys = st.builds(
    Terms,
    name=st.sampled_from(["browse", "buy"]),
    rate=st.floats(0.01, 1000),
    slo=promises,
    needs=names,
    uses=names,
    degraded=st.none() | promises,
    ledger=st.booleans(),
)


@given(
    st.lists(anything, max_size=60),
    st.lists(journeys, max_size=2),
    impacts,
    st.builds(JudgeSettings, stability=st.floats(0.1, 10), min_samples=st.integers(0, 20)),
    st.booleans(),
)
@settings(max_examples=3 * EXAMPLES)
def test_the_judge_never_raises(
    entries: list[Sample | Mark | Acknowledgement | Check | Access],
    terms: list[Terms],
    impact: Impact,
    how: JudgeSettings,
    whole: bool,
) -> None:
    """Any history has a judgement, with a record that strict JSON can write and give back."""
    found = History()
    found.add(*entries)
    if whole:  # so much else happened in an experiment that came to its end
        found.add(*marks(), *requests())
        terms = [BROWSE, *(each for each in terms if each.name != BROWSE.name)]
    judgement = judge(terms, COMPONENTS, impact, found, how)
    assert Judgement.from_record(json.loads(json.dumps(judgement.to_record(), allow_nan=False))) == judgement
    for journey in judgement.journeys:
        if journey.recovery is not None and journey.recovery.seconds is not None:
            assert journey.recovery.seconds >= 0
